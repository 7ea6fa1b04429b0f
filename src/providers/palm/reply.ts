import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { vectorsReply } from "../../dialects/gemini/embeddings-in.ts";
import { completionOf } from "../../dialects/openai/as-chat.ts";
import { chatReply, present } from "../../dialects/openai/make.ts";

/** A reply of `generateText` as a completion. Throws UPSTREAM_FAILED when it has no candidates and filtered none. */
export function textReply(call: Call, json: Readonly<JsonObject>, created: number): JsonObject {
  return completionOf(replied(call, json, created, ({ output }) => output));
}

/** A reply of `generateMessage`. MLflow tells the author as the role, and so do we to its callers. */
export function messageReply(call: Call, json: Readonly<JsonObject>, created: number): JsonObject {
  return replied(call, json, created, ({ content }) => content);
}

function replied(
  call: Call,
  json: Readonly<JsonObject>,
  created: number,
  textOf: (candidate: JsonObject) => Json | undefined,
): JsonObject {
  const { candidates, filters, messages: _, ...rest } = json;
  const isMlflow = call.arrival.dialect === "mlflow";
  const choices = listOf(candidates).map((candidate, index) => {
    const { output: _output, content: _content, author, ...more } = candidate;
    const role = isMlflow && typeof author === "string" ? author : "assistant";
    const message = { role, content: textOf(candidate) ?? "" };
    // PaLM does not say why it ended. MLflow says so; others want a reason, and it ends by itself.
    return present({ index, message, finish_reason: isMlflow ? null : "stop", ...more });
  });
  const reasons = listOf(filters).map(({ reason }) =>
    typeof reason === "string" ? reason : "BLOCKED_REASON_UNSPECIFIED",
  );
  if (choices.length === 0) {
    if (reasons.length === 0) throw errors.upstreamFailed("The provider's answer has no candidates.");
    const refusal = `Google blocked the answer: ${reasons.join(", ")}.`;
    const message = { role: "assistant", content: null, refusal };
    choices.push({ index: 0, message, finish_reason: "content_filter", native_finish_reason: reasons[0]! });
  }
  const head = { id: null, created, model: call.target?.model ?? "" };
  return chatReply(head, choices, undefined, present({ filters, ...rest }));
}

/** A reply of `batchEmbedText`. */
export function vectorsOf(call: Call, json: Readonly<JsonObject>): JsonObject {
  return vectorsReply(
    call,
    listOf(json["embeddings"]).map(({ value }) => value),
    undefined,
  );
}

function listOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
