import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { jsonEvents } from "../../core/frames.ts";
import { type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import type { Reading } from "../../core/provider.ts";
import { type FinishReason, present, usageOf } from "../../dialects/openai/make.ts";

const ENDS: Readonly<Record<string, FinishReason>> = { eos_token: "stop", stop_sequence: "stop", length: "length" };

/**
 * Reads the answers of `/generate` and `/generate_stream`. A stream is whole at the event with `generated_text`.
 *
 * @param now Seconds since 1970: the server tells no time.
 */
export function generated(now: () => number): Reading {
  const headOf = (call: Call) => ({
    id: null,
    object: "text_completion",
    created: now(),
    model: call.target?.model ?? "",
  });
  return {
    reply(call, json) {
      const { generated_text: text, details } = json;
      if (typeof text !== "string") throw errors.upstreamFailed("The provider's answer has no generated_text.");
      const told = objectIn(details);
      const best = [{ ...told, generated_text: text }, ...objectsIn(told["best_of_sequences"])];
      const choices = best.map((one, index) => ({
        index,
        text: textIn(one["generated_text"]),
        logprobs: wantsLogprobs(call) ? logprobsOf(one["tokens"], one["top_tokens"]) : null,
        ...endOf(one),
      }));
      const { prefill, generated_tokens } = told;
      const usage = usageOf({
        prompt: Array.isArray(prefill) && prefill.length > 0 ? prefill.length : undefined,
        completion: typeof generated_tokens === "number" ? generated_tokens : undefined,
      });
      return present({ ...headOf(call), choices, usage });
    },
    stream(call, on) {
      const head = headOf(call);
      const tell = (choices: Json[], more: JsonObject = {}) => on.onEvent({ ...head, choices, ...more });
      const decoder = jsonEvents(on, (json) => {
        if (json["error"] !== undefined) {
          on.onEvent(json);
          return;
        }
        const token = objectIn(json["token"]);
        if (typeof token["text"] === "string" && token["special"] !== true) {
          const logprobs = wantsLogprobs(call) ? logprobsOf([token], [json["top_tokens"] ?? []]) : null;
          tell([{ index: 0, text: token["text"], logprobs, finish_reason: null }]);
        }
        if (typeof json["generated_text"] !== "string") return;
        const details = objectIn(json["details"]);
        tell([{ index: 0, text: "", logprobs: null, ...endOf(details) }]);
        const { input_length, generated_tokens } = details;
        const usage = usageOf({
          prompt: typeof input_length === "number" ? input_length : undefined,
          completion: typeof generated_tokens === "number" ? generated_tokens : undefined,
        });
        if (usage) tell([], { usage });
        on.onDone();
        decoder.stop();
      });
      return decoder;
    },
  };
}

function endOf({ finish_reason: native, seed }: Readonly<JsonObject>): JsonObject {
  const reason = typeof native === "string" ? (ENDS[native] ?? "stop") : null;
  return present({ finish_reason: reason, native_finish_reason: native, seed: seed ?? undefined });
}

function wantsLogprobs(call: Call): boolean {
  return typeof call.body.peek("logprobs") === "number";
}

/** As OpenAI's completions tell them. */
function logprobsOf(tokens: Json | undefined, tops: Json | undefined): JsonObject {
  const list = objectsIn(tokens);
  const others = Array.isArray(tops) ? tops.map(objectsIn) : [];
  return {
    tokens: list.map(({ text }) => textIn(text)),
    token_logprobs: list.map(({ logprob }) => logprob ?? null),
    top_logprobs: others.map((each) =>
      Object.fromEntries(each.map(({ text, logprob }) => [textIn(text), logprob ?? null])),
    ),
  };
}
