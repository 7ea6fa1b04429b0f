import { isObject, type Json, type JsonObject } from "../../core/json.ts";

const FORMATS = [
  "anthropic",
  "gemini",
  "openai-responses",
  "bedrock",
  "cohere",
  "deepseek",
  "mistral",
  "databricks",
  "reasoning-content",
] as const;

/** Whose words a piece of reasoning is: only they can read its signature. */
export type ReasoningFormat = (typeof FORMATS)[number];

/** Every format that the gateway's own providers give. */
export const REASONING_FORMATS: ReadonlySet<string> = new Set(FORMATS);

/**
 * One piece of what a model thought, in a message's `reasoning_details`, so that it can be given back as it was. Its `type` is
 * `reasoning.text` (`text`, `signature`), `reasoning.summary` (`summary`), `reasoning.encrypted` (`data`) or `reasoning.part` (`part`,
 * a whole part of Gemini's).
 */
export interface ReasoningDetail extends JsonObject {
  type: string;
  format: string;
  /** The provider's model that thought it. */
  model: string;
}

/** What of a message's `reasoning_details` may go to a model: what the same model of the same kind of provider made. */
export function ownReasoning(message: Readonly<JsonObject>, format: ReasoningFormat, model: string): ReasoningDetail[] {
  const details = message["reasoning_details"];
  if (!Array.isArray(details)) return [];
  return details.filter(
    (one: Json): one is ReasoningDetail =>
      isObject(one) && one["format"] === format && (one["model"] === undefined || one["model"] === model),
  );
}

/**
 * A message, or a delta, of a server that tells thoughts as `reasoning_content`, which nothing signs: with whose they are beside
 * them, so that callers of other dialects can give them back to that model.
 *
 * @param model As the answer names it.
 */
export function withThoughts(said: JsonObject, model: Json | undefined): JsonObject {
  const { reasoning_content: text } = said;
  if (typeof text !== "string" || text === "" || typeof model !== "string") return said;
  if (said["reasoning"] !== undefined || said["reasoning_details"] !== undefined) return said;
  return {
    ...said,
    reasoning_details: [{ type: "reasoning.text", format: "reasoning-content", model, index: 0, text }],
  };
}

const MARK = "pg1.";

/**
 * A signature with whose it is, for callers whose dialect has no place for that beside it; `signed` takes it apart again.
 *
 * @returns Letters, digits, `.`, `-` and `_` alone.
 */
export function sealed(format: string, model: string, signature: string): string {
  return MARK + Buffer.from(JSON.stringify([format, model, signature])).toString("base64url");
}

/** What `sealed` put together; `undefined`: the text is somebody's bare signature. */
export function unsealed(text: string): { format: string; model: string; signature: string } | undefined {
  if (!text.startsWith(MARK)) return undefined;
  try {
    const parts: unknown = JSON.parse(Buffer.from(text.slice(MARK.length), "base64url").toString("utf8"));
    if (!Array.isArray(parts) || parts.length !== 3 || parts.some((part) => typeof part !== "string")) return undefined;
    const [format, model, signature] = parts as [string, string, string];
    return { format, model, signature };
  } catch {
    return undefined;
  }
}
