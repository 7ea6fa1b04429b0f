import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, numberIn } from "./fields.ts";
import { generateContent } from "./request-out.ts";

/**
 * A member that makes a chat a count of its tokens, and under which the count comes back. Only callers of Google's API can ask for
 * it, and only of upstreams that speak it.
 */
export const COUNT_MEMBER = "polygate.countTokens";

/** Whether a call wants its tokens counted and no answer. */
export function isCount(call: Call): boolean {
  return call.arrival.protocol === "gemini" && call.body.peek(COUNT_MEMBER) === true;
}

/**
 * The request of `countTokens`.
 *
 * @param resource The model as a resource; `undefined`: Vertex's form, where the request's members stand for themselves.
 * @see https://ai.google.dev/api/tokens
 */
export function countRequest(call: Call, model: string, resource: string | undefined): JsonObject {
  const { [COUNT_MEMBER]: _, ...json } = call.body.json;
  const request = generateContent(call, model, json);
  if (resource !== undefined) return { generateContentRequest: { model: resource, ...request } };
  const { contents, systemInstruction, tools, generationConfig } = request;
  return present({ contents, systemInstruction, tools, generationConfig });
}

/** What was counted, within a reply of the common shape; no usage: nothing was used. Throws UPSTREAM_FAILED when it is no count. */
export function countReply(json: Readonly<JsonObject>): JsonObject {
  const count = fields(json);
  if (numberIn(count["totalTokens"]) === undefined) {
    throw errors.upstreamFailed("The provider's answer is no count of tokens.");
  }
  return { choices: [], [COUNT_MEMBER]: count };
}
