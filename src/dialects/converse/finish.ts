import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { type FinishReason, present, usageOf } from "../openai/make.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  guardrail_intervened: "content_filter",
  content_filtered: "content_filter",
  refusal: "content_filter",
};

/** Why an answer of Converse's ended. A reason that is not known here is a stop; the word itself is kept beside it. */
export function finishOf(native: Json | undefined): FinishReason {
  return (typeof native === "string" && Object.hasOwn(REASONS, native) ? REASONS[native] : undefined) ?? "stop";
}

/**
 * `usage` of Converse. What was read from the cache or written to it stands beside `inputTokens`, and is counted in here; what was
 * written is also told by how long it is kept.
 */
export function converseUsage(told: Json | undefined): JsonObject | undefined {
  if (!isObject(told)) return undefined;
  const cached = number(told["cacheReadInputTokens"]);
  const cacheWrite = number(told["cacheWriteInputTokens"]);
  const input = number(told["inputTokens"]);
  const usage = usageOf({
    prompt: input === undefined ? undefined : input + (cached ?? 0) + (cacheWrite ?? 0),
    completion: number(told["outputTokens"]),
    cached,
    cacheWrite,
  });
  const details = told["cacheDetails"];
  return (
    usage && present({ ...usage, cache_details: Array.isArray(details) && details.length > 0 ? details : undefined })
  );
}

/** What stands beside an answer and has no place in the common shape. */
export function besides(json: Readonly<JsonObject>): JsonObject {
  const { trace, performanceConfig, serviceTier } = json;
  const service_tier = isObject(serviceTier) ? serviceTier["type"] : undefined;
  return present({ service_tier, performanceConfig, trace });
}

/** The text that ended the answer, where the model tells it. */
export function stopText(fields: Json | undefined): string | undefined {
  const text = isObject(fields) ? fields["stop_sequence"] : undefined;
  return typeof text === "string" ? text : undefined;
}

function number(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
