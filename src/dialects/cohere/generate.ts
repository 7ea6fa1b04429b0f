import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { jsonLines } from "../../core/frames.ts";
import { isObject, type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import type { StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { onePrompt } from "../openai/as-chat.ts";
import { type AnswerHead, ChunkTeller, chatReply, present } from "../openai/make.ts";
import { Taken } from "../openai/take.ts";
import { cohereUsage, finishOf } from "./finish.ts";
import { penalty } from "./request-out.ts";

/**
 * A completion in the words of Cohere's v1, for models that do not chat. Its temperatures go to 5.
 * @see https://docs.cohere.com/v1/reference/generate
 */
export function generateRequest(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const taken = new Taken(call, json);
  taken.refuseNative({ stop_sequences: "stop", num_generations: "n" }, 400);
  const native = call.arrival.dialect === "mlflow";
  const request = present({
    model,
    prompt: onePrompt(taken.take("prompt")),
    temperature: taken.temperature(5, { modern: 2.5, legacy: 5 }),
    num_generations: taken.number("n"),
    max_tokens: taken.number("max_tokens"),
    stop_sequences: taken.stop() as Json[] | undefined,
    ...(!native && {
      p: taken.number("top_p"),
      k: taken.number("top_k"),
      seed: taken.number("seed"),
      frequency_penalty: penalty(call, taken, "frequency_penalty"),
      presence_penalty: penalty(call, taken, "presence_penalty"),
    }),
    stream: call.stream ? true : undefined,
  });
  return { ...request, ...taken.extras() };
}

/** A whole answer of v1's, as a chat's; `asCompletions` makes a completion of it. */
export function generateReplyIn({ generations, ...json }: Readonly<JsonObject>, head: AnswerHead): JsonObject {
  if (!Array.isArray(generations)) throw errors.upstreamFailed("The provider's answer has no list of generations.");
  const choices = generations.filter(isObject).map(({ text, finish_reason: native, index: at, ...more }, place) =>
    present({
      index: typeof at === "number" ? at : place,
      message: { role: "assistant", content: textIn(text) },
      finish_reason: finishOf(native),
      native_finish_reason: native,
      ...more,
    }),
  );
  const id = typeof json["id"] === "string" ? json["id"] : head.id;
  return chatReply({ ...head, id }, choices, cohereUsage(json["meta"]));
}

/** Media type of v1's streams: one JSON object a line. */
export const GENERATE_STREAM = "application/stream+json";

/** Reads a stream of v1's, likewise. It is whole at `stream-end`. */
export function generateStreamIn(on: StreamListener, head: AnswerHead): StreamDecoder {
  const teller = new ChunkTeller(on, head);
  const decoder = jsonLines(on, (json) => {
    switch (json["event_type"]) {
      case "text-generation":
        if (typeof json["text"] === "string") teller.delta({ content: json["text"] }, indexOf(json));
        return;
      case "stream-end": {
        const response = objectIn(json["response"]);
        if (typeof response["id"] === "string") teller.head = { ...teller.head, id: response["id"] };
        const generations = objectsIn(response["generations"]);
        for (const one of generations.length > 0 ? generations : [json]) {
          const native = one["finish_reason"] ?? json["finish_reason"];
          teller.finish(finishOf(native), typeof native === "string" ? native : undefined, indexOf(one));
        }
        teller.usage(cohereUsage(response["meta"]));
        on.onDone();
        decoder.stop();
        return;
      }
      case "stream-error":
        finishOf("ERROR", json["err"]);
    }
  });
  return decoder;
}

function indexOf({ index }: Readonly<JsonObject>): number {
  return typeof index === "number" ? index : 0;
}
