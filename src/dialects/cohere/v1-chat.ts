import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { jsonLines } from "../../core/frames.ts";
import { type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import type { StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { type AnswerHead, ChunkTeller, chatReply, present, usageOf } from "../openai/make.ts";
import { textOf } from "../openai/media.ts";
import { Taken } from "../openai/take.ts";
import { finishOf } from "./finish.ts";

/**
 * Whether a chat goes to Cohere's v1, as MLflow's adapter sends it for its own clients of 2.x: texts alone, that end with the
 * user's. What else they ask for, v2 can do and v1 cannot.
 */
export function isForV1({ arrival, plan }: Call, json: Readonly<JsonObject>): boolean {
  if (arrival.era === undefined || plan.op !== "chat" || json["tools"] !== undefined) return false;
  const messages = objectsIn(json["messages"]);
  const texts = messages.every(({ role, content }) => typeof content === "string" && ROLES.has(textIn(role)));
  return texts && messages.at(-1)?.["role"] === "user";
}

const ROLES = new Set(["system", "user", "assistant"]);

/**
 * A chat in the words of Cohere's v1.
 * @see https://docs.cohere.com/v1/reference/chat
 */
export function v1ChatRequest(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const taken = new Taken(call, json);
  const messages = objectsIn(taken.take("messages"));
  const system = messages.filter(({ role }) => role === "system");
  const said = messages.filter(({ role }) => role !== "system");
  const history = said.slice(0, -1).map(({ role, content }) => ({
    role: role === "user" ? "USER" : "CHATBOT",
    message: content ?? "",
  }));
  // One answer is what v1 gives.
  taken.take("n");
  const request = present({
    model,
    message: textOf(said.at(-1)?.["content"]),
    temperature: taken.temperature(1, { modern: 2.5, legacy: 5 }),
    preamble_override: system.length > 0 ? system.map(({ content }) => textOf(content)).join("\n") : undefined,
    chat_history: history.length > 0 ? (history as Json[]) : undefined,
    stream: call.stream ? true : undefined,
  });
  return { ...request, ...taken.extras() };
}

/** Whether a reply is one of v1's: those of v2 have a message. */
export function isV1Reply(json: Readonly<JsonObject>): boolean {
  return typeof json["text"] === "string" && json["message"] === undefined;
}

/** A whole reply of v1 in the common shape. Throws UPSTREAM_FAILED when it has no text. */
export function v1ChatReply(json: Readonly<JsonObject>, head: AnswerHead): JsonObject {
  const { response_id: id, text, finish_reason: native } = json;
  if (typeof text !== "string") throw errors.upstreamFailed("The provider's answer has no text.");
  const choice = present({
    index: 0,
    message: { role: "assistant", content: text },
    finish_reason: finishOf(native),
    native_finish_reason: native,
  });
  return chatReply({ ...head, id: typeof id === "string" ? id : null }, [choice], tokensOf(json["token_count"]));
}

/** Reads a stream of v1's: one JSON object a line. It is whole at `stream-end`. */
export function v1ChatStream(on: StreamListener, head: AnswerHead): StreamDecoder {
  const teller = new ChunkTeller(on, head);
  const decoder = jsonLines(on, (json) => {
    if (json["event_type"] === "text-generation") teller.delta({ content: textIn(json["text"]) });
    if (json["event_type"] !== "stream-end") return;
    const native = json["finish_reason"];
    teller.finish(finishOf(native), typeof native === "string" ? native : undefined);
    teller.usage(tokensOf(objectIn(json["response"])["token_count"]));
    on.onDone();
    decoder.stop();
  });
  return decoder;
}

function tokensOf(counts: Json | undefined): JsonObject | undefined {
  const { prompt_tokens: prompt, response_tokens: completion, total_tokens: total } = objectIn(counts);
  const number = (value: Json | undefined) => (typeof value === "number" ? value : undefined);
  return usageOf({ prompt: number(prompt), completion: number(completion), total: number(total) });
}
