import { isObject, type Json, type JsonObject, objectIn, objectsIn } from "../../core/json.ts";

/**
 * A message, or a delta, whose tool calls are as OpenAI says them: a list, of type `function`, with arguments as text. Mistral
 * leaves the type out, and older servers of TGI give arguments as an object, and a delta's only call bare.
 */
export function callsIn(said: Readonly<JsonObject>, streamed: boolean): JsonObject {
  const { tool_calls: told } = said;
  const calls = isObject(told) ? [told] : objectsIn(told);
  if (calls.length === 0) return { ...said };
  return { ...said, tool_calls: calls.map((call, at) => callIn(call, at, streamed)) };
}

function callIn(call: JsonObject, at: number, streamed: boolean): JsonObject {
  const { arguments: args, ...called } = objectIn(call["function"]);
  // What continues a call has no id, and needs no type.
  const begins = typeof call["id"] === "string";
  return {
    ...(streamed && { index: at }),
    ...call,
    ...(begins && { type: call["type"] ?? "function" }),
    ...(isObject(call["function"]) && { function: { ...called, arguments: argumentsIn(args) } }),
  };
}

/** A call's arguments as text: some servers give them as an object. */
export function argumentsIn(args: Json | undefined): string {
  if (args === undefined || args === null) return "";
  return typeof args === "string" ? args : JSON.stringify(args);
}

/** Cached tokens under OpenAI's name, of servers that tell them under their own. */
export function usageIn(usage: Readonly<JsonObject>): JsonObject {
  const details = objectIn(usage["prompt_tokens_details"]);
  if (details["cached_tokens"] !== undefined) return { ...usage };
  const cached = usage["num_cached_tokens"] ?? usage["cached_tokens"] ?? usage["cache_read_input_tokens"];
  if (typeof cached !== "number") return { ...usage };
  return { ...usage, prompt_tokens_details: { ...details, cached_tokens: cached } };
}
