import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { usageOf } from "../openai/make.ts";

/** Counts of the Messages API; those beside the four are passed on under their own names. */
const COUNTED = new Set([
  ...["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"],
  ...["output_tokens_details", "service_tier"],
]);

/**
 * `usage` of the Messages API in the common shape. Its input counts neither what was read from the cache nor what was written
 * to it; the common shape's counts both.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-caching
 */
export function usageIn(usage: Json | undefined): JsonObject | undefined {
  if (!isObject(usage)) return undefined;
  const input = count(usage["input_tokens"]);
  const cached = count(usage["cache_read_input_tokens"]);
  const cacheWrite = count(usage["cache_creation_input_tokens"]);
  const details = usage["output_tokens_details"];
  const made = usageOf({
    prompt: input === undefined ? undefined : input + (cached ?? 0) + (cacheWrite ?? 0),
    completion: count(usage["output_tokens"]),
    cached,
    cacheWrite,
    reasoning: isObject(details) ? count(details["thinking_tokens"]) : undefined,
  });
  if (made === undefined) return undefined;
  for (const [name, value] of Object.entries(usage)) {
    if (value !== null && !COUNTED.has(name)) made[name] = value;
  }
  return made;
}

function count(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
