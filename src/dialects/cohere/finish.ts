import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { type FinishReason, present, usageOf } from "../openai/make.ts";

const REASONS: Readonly<Record<string, FinishReason>> = {
  COMPLETE: "stop",
  STOP_SEQUENCE: "stop",
  USER_CANCEL: "stop",
  MAX_TOKENS: "length",
  ERROR_LIMIT: "length",
  TOOL_CALL: "tool_calls",
  ERROR_TOXIC: "content_filter",
};

/** Why an answer of Cohere's ended. Throws UPSTREAM_FAILED for `ERROR` and `TIMEOUT`: what came is no answer. */
export function finishOf(native: Json | undefined, why?: Json): FinishReason {
  if (native === "ERROR" || native === "TIMEOUT") {
    const told = typeof why === "string" && why !== "" ? ` It says: ${why}` : "";
    throw errors.upstreamFailed(`The provider cohere ended its answer with ${native}.${told}`);
  }
  return (typeof native === "string" ? REASONS[native] : undefined) ?? "stop";
}

/**
 * `usage` of Cohere's v2, or `meta` of its v1. The tokens that the model read and wrote, where they are told; else those that are
 * billed, which leave out Cohere's own preamble. The bill is kept beside them.
 */
export function cohereUsage(told: Json | undefined): JsonObject | undefined {
  if (!isObject(told)) return undefined;
  const billed = isObject(told["billed_units"]) ? told["billed_units"] : undefined;
  const tokens = isObject(told["tokens"]) ? told["tokens"] : billed;
  const usage = usageOf({
    prompt: number(tokens?.["input_tokens"]),
    completion: number(tokens?.["output_tokens"]),
    cached: number(told["cached_tokens"]),
  });
  return usage && present({ ...usage, billed_units: billed });
}

function number(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
