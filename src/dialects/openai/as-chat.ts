import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Reading } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { textOf } from "./media.ts";

/**
 * A request for a completion as a chat of one user message, for providers that only chat. `echo`, `suffix` and `best_of` stay
 * where they are, and so are told as dropped.
 *
 * Throws FIELD_INVALID for several prompts or token ids: a chat answers one text.
 */
export function chatOf(json: Readonly<JsonObject>): JsonObject {
  const { prompt, logprobs, ...rest } = json;
  const asked: JsonObject = { messages: [{ role: "user", content: onePrompt(prompt) }], ...rest };
  if (typeof logprobs === "number") {
    asked["logprobs"] = true;
    asked["top_logprobs"] = logprobs;
  }
  return asked;
}

/** The only text of a prompt. Throws FIELD_INVALID for several, and for token ids. */
export function onePrompt(prompt: Json | undefined): string {
  const one = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof one === "string") return one;
  throw errors.fieldInvalid([{ field: "prompt", description: "must be one text for this route's provider" }]);
}

/** How a provider's chats are read where completions were asked for. */
export function asCompletions(chat: Reading): Reading {
  return {
    ...chat,
    reply: (call, json, headers) => completionOf(chat.reply(call, json, headers)),
    ...(chat.stream && {
      stream: (call, on, headers) => {
        const listener: StreamListener = {
          onEvent: (json) => on.onEvent(completionEvent(json)),
          onWhole: (events) => on.onWhole(events),
          onDone: () => on.onDone(),
          onBad: (why) => on.onBad(why),
          onFault: (error) => on.onFault(error),
          onAlive: () => on.onAlive?.(),
        };
        return chat.stream!(call, listener, headers);
      },
    }),
  };
}

/** A whole chat answer as a completion. */
export function completionOf(json: Readonly<JsonObject>): JsonObject {
  return { ...json, object: "text_completion", choices: choicesOf(json, "message") };
}

function completionEvent(json: Readonly<JsonObject>): JsonObject {
  return { ...json, object: "text_completion", choices: choicesOf(json, "delta") };
}

function choicesOf({ choices }: Readonly<JsonObject>, member: "message" | "delta"): Json[] {
  if (!Array.isArray(choices)) return [];
  return choices.filter(isObject).map(({ [member]: said, ...choice }, at) => {
    const { index = at, ...rest } = choice;
    return { index, text: isObject(said) ? textOf(said["content"]) : "", ...rest };
  });
}
