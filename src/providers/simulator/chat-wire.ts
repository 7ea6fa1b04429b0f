import type { JsonObject } from "../../core/json.ts";
import type { ToolCall } from "./calls.ts";
import type { Chat, ChatChoice } from "./chat.ts";
import { Logprobs } from "./logprobs.ts";
import { type Frame, inTurn, piecesOf, usageOf } from "./text.ts";

const FINGERPRINT = "fp_simulator";

/** A whole reply. https://platform.openai.com/docs/api-reference/chat/object */
export function chatReply(chat: Chat, { id, created, model }: Frame): JsonObject {
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: chat.choices.map((choice) => ({
      index: choice.index,
      message: {
        role: "assistant",
        content: choice.content,
        refusal: null,
        ...(choice.calls.length > 0 ? { tool_calls: choice.calls.map(callWire) } : {}),
      },
      logprobs: logprobsOf(chat, choice)?.chat(choice.content ?? "") ?? null,
      finish_reason: choice.finish,
    })),
    usage: usageOf(chat.promptTokens, chat.completionTokens),
    system_fingerprint: FINGERPRINT,
  };
}

/**
 * The events of a stream, made one at a time as they are asked for.
 * https://platform.openai.com/docs/api-reference/chat/streaming
 *
 * @param withUsage `stream_options.include_usage`: every event has a `usage`, null but in an event of its own at the end.
 */
export function* chatEvents(chat: Chat, frame: Frame, withUsage: boolean): Generator<JsonObject> {
  const event = (choices: JsonObject[], usage: JsonObject | null): JsonObject => ({
    id: frame.id,
    object: "chat.completion.chunk",
    created: frame.created,
    model: frame.model,
    system_fingerprint: FINGERPRINT,
    choices,
    ...(withUsage ? { usage } : {}),
  });
  for (const choice of inTurn(chat.choices.map((one) => deltas(chat, one)))) yield event([choice], null);
  if (withUsage) yield event([], usageOf(chat.promptTokens, chat.completionTokens));
}

function* deltas(chat: Chat, choice: ChatChoice): Generator<JsonObject> {
  const { index, seed, content, calls, finish } = choice;
  const logprobs = logprobsOf(chat, choice);
  const part = (delta: JsonObject, piece?: string): JsonObject => ({
    index,
    delta,
    logprobs: piece === undefined ? null : (logprobs?.chat(piece) ?? null),
    finish_reason: null,
  });
  yield part({ role: "assistant", content: content === null ? null : "", refusal: null });
  for (const piece of piecesOf(content ?? "", seed)) yield part({ content: piece }, piece);
  for (const [place, call] of calls.entries()) {
    const key = call.isFunction ? "arguments" : "input";
    const kind = call.isFunction ? "function" : "custom";
    yield part({ tool_calls: [{ index: place, ...callWire({ ...call, input: "" }) }] });
    for (const piece of piecesOf(call.input, seed)) {
      yield part({ tool_calls: [{ index: place, [kind]: { [key]: piece } }] });
    }
  }
  yield { ...part({}), finish_reason: finish };
}

function callWire({ id, name, isFunction, input }: ToolCall): JsonObject {
  return isFunction
    ? { id, type: "function", function: { name, arguments: input } }
    : { id, type: "custom", custom: { name, input } };
}

function logprobsOf({ top }: Chat, { seed, content }: ChatChoice): Logprobs | undefined {
  return top === undefined || content === null ? undefined : new Logprobs(seed, top);
}
