import type { JsonObject } from "../../core/json.ts";
import { abilitiesOf } from "../openai/claude.ts";

/** Whether a model is one of Anthropic's, by its id without region and address: `anthropic.claude-sonnet-4-6`. */
export function isClaude(id: string): boolean {
  return id.startsWith("anthropic.");
}

/** Whether a model takes `temperature` and `top_p`. Claude's newest do not. */
export function samples(id: string): boolean {
  return !isClaude(id) || abilitiesOf(id).samples;
}

/**
 * How a model is asked for one call at a time, in the words of its maker; `undefined`: it cannot be. Claude takes it from version
 * 4.6 on, beside Converse's own words for who is free to choose.
 */
export function oneCallOut(id: string): JsonObject | undefined {
  if (!isClaude(id) || abilitiesOf(id).thinks !== "effort") return undefined;
  return { tool_choice: { type: "auto", disable_parallel_tool_use: true } };
}

/** Whether a model has a prompt cache that marks can tell of. */
export function caches(id: string): boolean {
  return isClaude(id) || id.startsWith("amazon.nova-");
}

/** Whether marks for a cache may be sent: models that have none refuse them, and of an address of a customer's own nobody knows. */
export function takesMarks(id: string): boolean {
  return caches(id) || !/^[a-z0-9]+\./.test(id);
}

/** Whether a tool may be strict: makers and versions that do not know the word refuse it. */
export function takesStrict(id: string): boolean {
  if (isClaude(id)) return abilitiesOf(id).thinks === "effort" || /-4-5\b/.test(id);
  return !/^(?:ai21|amazon|cohere|meta)\./.test(id);
}
