import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/**
 * Together asks for log probabilities by a count, 0 to 20: of each token, and of so many others at its place.
 * @see https://docs.together.ai/reference/chat-completions-1
 */
export function logprobsAsked(json: Readonly<JsonObject>): JsonObject {
  const { logprobs, top_logprobs, ...rest } = json;
  if (typeof logprobs !== "boolean") return { ...json };
  return logprobs ? { ...rest, logprobs: Math.max(1, typeof top_logprobs === "number" ? top_logprobs : 1) } : rest;
}

/** A choice with its log probabilities as OpenAI's chats tell them. In a stream there is one number, of the event's token. */
export function logprobsTold(choice: JsonObject): JsonObject {
  const { logprobs } = choice;
  if (!isObject(logprobs) || !Array.isArray(logprobs["tokens"])) return choice;
  const values = Array.isArray(logprobs["token_logprobs"]) ? logprobs["token_logprobs"] : [];
  const tops = Array.isArray(logprobs["top_logprobs"]) ? logprobs["top_logprobs"] : [];
  const content = logprobs["tokens"].map((token, at): JsonObject => {
    const others = tops[at];
    return { token, logprob: values[at] ?? null, bytes: null, top_logprobs: isObject(others) ? listed(others) : [] };
  });
  return { ...choice, logprobs: { content } };
}

function listed(others: Readonly<JsonObject>): Json[] {
  return Object.entries(others).map(([token, logprob]) => ({ token, logprob: logprob ?? null, bytes: null }));
}
