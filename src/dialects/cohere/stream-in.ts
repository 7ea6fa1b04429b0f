import { errors } from "../../core/errors.ts";
import { jsonEvents } from "../../core/frames.ts";
import { isObject, type Json, type JsonObject, objectIn, textIn } from "../../core/json.ts";
import type { StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { type AnswerHead, ChunkTeller } from "../openai/make.ts";
import { cohereUsage, finishOf } from "./finish.ts";
import { annotation, logprobOf, thought } from "./reply-in.ts";

/**
 * Reads a chat's stream of Cohere's (API v2). It is whole at `message-end`, and at nothing else.
 * @see https://docs.cohere.com/docs/streaming
 */
export function chatStreamIn(on: StreamListener, head: AnswerHead): StreamDecoder {
  const teller = new ChunkTeller(on, head);
  /** Places of the pieces of reasoning, by what they are part of. */
  const places = new Map<string, number>();
  /** Cohere's index of a call -> its place in the message. */
  const calls = new Map<Json | undefined, number>();
  const think = (text: Json | undefined, source: "tool_plan" | "thinking", block: string) => {
    if (typeof text !== "string" || text === "") return;
    const place = places.get(block) ?? places.size;
    places.set(block, place);
    teller.delta({ reasoning: text, reasoning_details: [thought(text, source, head.model, place)] });
  };
  const say = (content: JsonObject, json: JsonObject) => {
    think(content["thinking"], "thinking", `content ${JSON.stringify(json["index"])}`);
    const { text } = content;
    if (typeof text === "string" && text !== "") {
      const { logprobs } = json;
      teller.delta({ content: text }, 0, isObject(logprobs) ? { logprobs: { content: [logprobOf(logprobs)] } } : {});
    }
  };
  const decoder = jsonEvents({ ...listening(on), onDone: () => on.onBad("it ended before its last event") }, (json) => {
    const delta = objectIn(json["delta"]);
    const message = objectIn(delta["message"]);
    switch (json["type"]) {
      case "message-start":
        if (typeof json["id"] === "string") teller.head = { ...teller.head, id: json["id"] };
        teller.delta({ role: "assistant", content: "" });
        return;
      case "content-start":
      case "content-delta":
        say(objectIn(message["content"]), json);
        return;
      case "tool-plan-delta":
        think(message["tool_plan"], "tool_plan", "plan");
        return;
      case "tool-call-start": {
        const { id, function: called } = objectIn(message["tool_calls"]);
        const { name, arguments: args } = objectIn(called);
        calls.set(json["index"], calls.size);
        teller.toolCall(calls.size - 1, textIn(id), textIn(name), textIn(args));
        return;
      }
      case "tool-call-delta": {
        const { arguments: args } = objectIn(objectIn(message["tool_calls"])["function"]);
        const place = calls.get(json["index"]);
        if (typeof args === "string" && args !== "" && place !== undefined) teller.toolArguments(place, args);
        return;
      }
      case "citation-start":
        if (message["citations"] !== undefined) teller.delta({ annotations: [annotation(message["citations"]!)] });
        return;
      case "message-end": {
        const native = delta["finish_reason"];
        teller.finish(finishOf(native, delta["error"]), typeof native === "string" ? native : undefined);
        teller.usage(cohereUsage(delta["usage"]));
        on.onDone();
        decoder.stop();
        return;
      }
      default:
        // What is no event at all is how Cohere tells of its own failure.
        if (json["type"] === undefined && typeof json["message"] === "string") {
          on.onFault(
            errors.upstreamFailed(`The provider cohere failed within its stream. It says: ${json["message"]}`),
          );
        }
    }
  });
  return decoder;
}

/** The same listener, whose members can be replaced one by one. */
function listening(on: StreamListener): StreamListener {
  return {
    onEvent: (json) => on.onEvent(json),
    onWhole: (events) => on.onWhole(events),
    onDone: () => on.onDone(),
    onBad: (why) => on.onBad(why),
    onFault: (error) => on.onFault(error),
  };
}
