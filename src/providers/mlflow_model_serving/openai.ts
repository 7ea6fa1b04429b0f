import { hasFinish } from "../../core/answer.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Reading, StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { nearlyOpenAI } from "../../dialects/openai/nearly.ts";

/**
 * How models are read that answer as OpenAI does. A `ChatModel` may stream without saying why it ended; where the server's answer
 * came to its end all the same, it ended by itself.
 */
export function conversations(now: () => number): { readonly chat: Reading; readonly completions: Reading } {
  return { chat: ending(nearlyOpenAI("chat", {}, now)), completions: ending(nearlyOpenAI("completions", {}, now)) };
}

function ending(reading: Reading): Reading {
  return {
    ...reading,
    stream(call, on) {
      let last: JsonObject | undefined;
      let finished = false;
      const listener: StreamListener = {
        onEvent(json) {
          finished ||= hasFinish(json);
          last = json;
          on.onEvent(json);
        },
        onWhole: (events) => on.onWhole(events),
        onDone: () => on.onDone(),
        onBad: (why) => on.onBad(why),
        onFault: (error) => on.onFault(error),
      };
      const decoder: StreamDecoder = reading.stream!(call, listener);
      return {
        push: (chunk) => decoder.push(chunk),
        finish() {
          const cut = decoder.finish();
          if (cut || finished || last === undefined) return cut;
          const choice = call.plan.op === "chat" ? { delta: {} } : { text: "" };
          on.onEvent({ ...last, choices: [{ index: 0, ...choice, finish_reason: "stop" }] });
          return false;
        },
        stop: () => decoder.stop(),
      };
    },
  };
}
