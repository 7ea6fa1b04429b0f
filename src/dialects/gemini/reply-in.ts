import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { type AnswerHead, chatReply, present } from "../openai/make.ts";
import { CandidateReader, joined, type Origin } from "./candidate.ts";
import { fields, lists, textIn } from "./fields.ts";
import { finishOf } from "./finish.ts";
import { logprobsIn } from "./logprobs.ts";
import { annotationsOf } from "./sources.ts";
import { usageIn } from "./usage.ts";

/** Members of a candidate that have a place in the common shape, or say nothing there. */
const PLACED = new Set(["content", "finishReason", "index", "logprobsResult"]);

/**
 * A whole reply of `generateContent` in the common shape. Throws UPSTREAM_FAILED when it has no candidates and says no reason.
 *
 * @param created Seconds since 1970.
 * @see https://ai.google.dev/api/generate-content#generatecontentresponse
 */
export function chatFrom(call: Call, json: Readonly<JsonObject>, created: number): JsonObject {
  const said = fields(json);
  const origin = originOf(call, said);
  const candidates = lists(said["candidates"]);
  const blocked = blockOf(said["promptFeedback"]);
  if (candidates.length === 0 && blocked === undefined) {
    throw errors.upstreamFailed("The provider's answer has no candidates.");
  }
  const choices = candidates.map((candidate, at) => choiceOf(origin, candidate, at));
  if (candidates.length === 0) choices.push({ index: 0, ...blockedChoice(blocked!, "message") });
  return chatReply(headOf(call, said, created), choices, usageIn(said["usageMetadata"]), restOf(said));
}

function choiceOf(origin: Origin, candidate: JsonObject, at: number): JsonObject {
  const index = typeof candidate["index"] === "number" ? candidate["index"] : at;
  const reader = new CandidateReader(origin, index);
  const message = joined(reader.read(candidate["content"]));
  const annotations = annotationsOf(candidate, reader.text);
  if (annotations.length > 0) message["annotations"] = annotations;
  const native = textIn(candidate["finishReason"]);
  return present({
    index,
    message,
    logprobs: logprobsIn(candidate["logprobsResult"]),
    finish_reason: finishOf(native, reader.calls > 0),
    native_finish_reason: native,
    ...extrasOf(candidate),
  });
}

/** What a candidate has beside its parts, under Google's own names: safety ratings, grounding, citations. */
export function extrasOf(candidate: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(candidate).filter(([name]) => !PLACED.has(name)));
}

/** Why the prompt was blocked, in Google's word; `undefined`: it was not. */
export function blockOf(feedback: Json | undefined): string | undefined {
  return textIn(fields(feedback)["blockReason"]);
}

/** The only choice of an answer whose prompt was blocked. */
export function blockedChoice(reason: string, member: "message" | "delta"): JsonObject {
  const refusal = `Google blocked the prompt: ${reason}.`;
  return {
    [member]: { role: "assistant", content: null, refusal },
    finish_reason: "content_filter",
    native_finish_reason: reason,
  };
}

/** What stands at the head of a reply and of each event of a stream. */
export function headOf(call: Call, said: JsonObject, created: number): AnswerHead {
  const model = textIn(said["modelVersion"]) ?? call.target?.model ?? "";
  return { id: textIn(said["responseId"]) ?? null, created, model };
}

/** Longest mark of an answer in the ids that its calls get: OpenAI refuses ids over 40, where the conversation may go on. */
const MAX_ANSWER = 26;

/** Where a reply, or the stream that begins with it, came from. */
export function originOf(call: Call, said: JsonObject): Origin {
  const answer = (textIn(said["responseId"]) ?? call.arrival.id).slice(-MAX_ANSWER);
  return { model: call.target?.model ?? "", answer: answer.replace(/[^\w-]/g, "-") };
}

/** What a reply has beside its candidates, under Google's own names. */
export function restOf(said: JsonObject): JsonObject {
  const { candidates: _, usageMetadata, modelVersion: _version, responseId: _id, ...rest } = said;
  const { trafficType, serviceTier } = isObject(usageMetadata) ? usageMetadata : {};
  return present({ trafficType, ...(typeof serviceTier === "string" && { service_tier: serviceTier }), ...rest });
}
