import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Abilities } from "../openai/claude.ts";
import type { Taken } from "../openai/take.ts";

/** How much to think, in the API's words; an absent member is not sent. */
export interface Thinking {
  readonly thinking: Json | undefined;
  readonly effort: string | undefined;
  /** Thinking was turned on for the caller, so that what does not go with it has to give way. */
  readonly ours: boolean;
}

/**
 * Tokens to think for an effort, for models that are told a budget. At most four fifths of the answer's limit, so that some is
 * left to answer; the API's least is 1024.
 */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16384,
  xhigh: 32768,
  max: 32768,
};
const LEAST_BUDGET = 1024;

/** What stands in the way of thinking in the rest of the request. */
export interface Surroundings {
  readonly messages: readonly JsonObject[];
  readonly toolChoice: JsonObject | undefined;
  readonly maxTokens: number;
}

/**
 * Takes `thinking`, which goes through as it came, and `reasoning_effort`: to models that think by effort it goes as that, to
 * older ones as a budget, told as converted; to those that cannot think, or not in this place, not at all, told as dropped.
 */
export function thinkingOf(call: Call, taken: Taken, abilities: Abilities, around: Surroundings): Thinking {
  const thinking = taken.take("thinking");
  const effort = taken.take("reasoning_effort");
  if (typeof effort !== "string") return { thinking, effort: undefined, ours: false };
  // Callers of the API itself say what they mean.
  if (call.arrival.dialect === "anthropic") return { thinking, effort, ours: false };
  if (abilities.thinks === "effort") return byEffort(call, thinking, effort, abilities);
  if (thinking !== undefined) {
    call.adjust("dropped", "reasoning_effort");
    return { thinking, effort: undefined, ours: false };
  }
  return byBudget(call, effort, abilities, around);
}

function byEffort(call: Call, given: Json | undefined, effort: string, { xhigh }: Abilities): Thinking {
  if (effort === "none") return { thinking: given ?? { type: "disabled" }, effort: undefined, ours: false };
  const said = effort === "minimal" ? "low" : effort === "xhigh" && !xhigh ? "high" : effort;
  if (said !== effort) call.adjust("converted", "reasoning_effort");
  return { thinking: given ?? { type: "adaptive" }, effort: said, ours: given === undefined };
}

function byBudget(call: Call, effort: string, { thinks }: Abilities, around: Surroundings): Thinking {
  const nothing: Thinking = { thinking: undefined, effort: undefined, ours: false };
  if (effort === "none") return nothing;
  const { maxTokens, messages, toolChoice } = around;
  const forced = toolChoice?.["type"] === "any" || toolChoice?.["type"] === "tool";
  if (thinks === "never" || maxTokens <= LEAST_BUDGET || forced || continuesUnthought(messages)) {
    call.adjust("dropped", "reasoning_effort");
    return nothing;
  }
  call.adjust("converted", "reasoning_effort");
  const wanted = BUDGETS[effort] ?? BUDGETS["medium"]!;
  const budget = Math.max(LEAST_BUDGET, Math.min(wanted, Math.floor((maxTokens * 4) / 5)));
  return { thinking: { type: "enabled", budget_tokens: budget }, effort: undefined, ours: true };
}

/**
 * Whether the conversation ends with the results of tools that were called without thinking, or ends in the middle of an answer:
 * the API refuses to begin to think there.
 */
function continuesUnthought(messages: readonly JsonObject[]): boolean {
  const last = messages.at(-1);
  if (last?.["role"] === "assistant") return true;
  if (!kinds(last).includes("tool_result")) return false;
  return !/^(?:redacted_)?thinking$/.test(kinds(messages.at(-2))[0] ?? "");
}

function kinds(message: JsonObject | undefined): string[] {
  const content = message?.["content"];
  if (!Array.isArray(content)) return [];
  return content.map((block) => (isObject(block) && typeof block["type"] === "string" ? block["type"] : ""));
}
