import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { usageOf } from "../openai/make.ts";

/** Counts of the Messages API; those beside the four are passed on under their own names. */
const COUNTED = new Set(
  words(`
    input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens output_tokens_details
    service_tier
  `),
);

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

/**
 * `usage` of the common shape in Anthropic's counts. The API always tells what went in and came out: a provider that told
 * nothing is 0 there.
 *
 * @param tier `service_tier` of the answer.
 */
export function usageOut(usage: Json | undefined, tier: Json | undefined): JsonObject {
  const given = isObject(usage) ? usage : {};
  const { prompt_tokens, completion_tokens, total_tokens: _, ...rest } = given;
  const { prompt_tokens_details, completion_tokens_details, ...more } = rest;
  const read = isObject(prompt_tokens_details) ? prompt_tokens_details : {};
  const made = isObject(completion_tokens_details) ? completion_tokens_details : {};
  const cached = count(read["cached_tokens"]);
  const cacheWrite = count(read["cache_write_tokens"]);
  const thought = count(made["reasoning_tokens"]);
  return {
    input_tokens: Math.max(0, (count(prompt_tokens) ?? 0) - (cached ?? 0) - (cacheWrite ?? 0)),
    cache_creation_input_tokens: cacheWrite ?? null,
    cache_read_input_tokens: cached ?? null,
    output_tokens: count(completion_tokens) ?? 0,
    ...(thought !== undefined && { output_tokens_details: { thinking_tokens: thought } }),
    ...(typeof tier === "string" && { service_tier: tier === "default" ? "standard" : tier }),
    ...more,
  };
}
