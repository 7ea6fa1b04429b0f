import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, lists, numberIn } from "./fields.ts";

/**
 * `logprobsResult` in the common shape. A token's number in the vocabulary is `token_id`.
 *
 * @see https://ai.google.dev/api/generate-content#LogprobsResult
 */
export function logprobsIn(value: Json | undefined): JsonObject | undefined {
  const told = fields(value);
  const chosen = lists(told["chosenCandidates"]);
  if (chosen.length === 0) return undefined;
  const top = lists(told["topCandidates"]);
  return {
    content: chosen.map((one, at) => ({
      ...tokenIn(one),
      top_logprobs: lists(top[at]?.["candidates"]).map(tokenIn),
    })),
  };
}

function tokenIn({ token, logProbability, tokenId }: JsonObject): JsonObject {
  const text = typeof token === "string" ? token : "";
  return present({ token: text, logprob: numberIn(logProbability) ?? 0, bytes: bytesOf(text), token_id: tokenId });
}

function bytesOf(text: string): Json {
  return text.includes("\ufffd") ? null : [...Buffer.from(text)];
}

/** Log probabilities in the common shape as `logprobsResult`. */
export function logprobsResult(value: Json | undefined): JsonObject | undefined {
  const content = isObject(value) && Array.isArray(value["content"]) ? value["content"].filter(isObject) : [];
  if (content.length === 0) return undefined;
  const result: JsonObject = { chosenCandidates: content.map(tokenOut) };
  const top = content.map(({ top_logprobs }) => (Array.isArray(top_logprobs) ? top_logprobs.filter(isObject) : []));
  if (top.some((list) => list.length > 0)) {
    result["topCandidates"] = top.map((list) => ({ candidates: list.map(tokenOut) }));
  }
  return result;
}

function tokenOut({ token, logprob, token_id }: JsonObject): JsonObject {
  return present({ token, tokenId: token_id, logProbability: logprob });
}
