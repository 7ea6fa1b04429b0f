import type { Call } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StreamListener } from "../../core/sse.ts";

/** `finish_reason` in the common shape. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/** Token counts as a provider gives them; what it does not give is absent. */
export interface Counts {
  /** Of the whole input, cached tokens included. */
  readonly prompt?: number | undefined;
  /** Of the whole output, reasoning included. */
  readonly completion?: number | undefined;
  /** Default: the sum of the two. */
  readonly total?: number | undefined;
  readonly cached?: number | undefined;
  readonly cacheWrite?: number | undefined;
  readonly reasoning?: number | undefined;
  readonly audioIn?: number | undefined;
  readonly audioOut?: number | undefined;
}

/** The `usage` member; `undefined`: the provider told nothing. */
export function usageOf(counts: Counts): JsonObject | undefined {
  const { prompt, completion } = counts;
  const sum = prompt === undefined && completion === undefined ? undefined : (prompt ?? 0) + (completion ?? 0);
  const total = counts.total ?? sum;
  if (total === undefined) return undefined;
  const read = present({
    cached_tokens: counts.cached,
    cache_write_tokens: counts.cacheWrite,
    audio_tokens: counts.audioIn,
  });
  const made = present({ reasoning_tokens: counts.reasoning, audio_tokens: counts.audioOut });
  return present({
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: total,
    prompt_tokens_details: Object.keys(read).length > 0 ? read : undefined,
    completion_tokens_details: Object.keys(made).length > 0 ? made : undefined,
  });
}

/** Without the members that are undefined. */
export function present(json: { readonly [key: string]: Json | undefined }): JsonObject {
  const found: JsonObject = {};
  for (const name of Object.keys(json)) {
    const value = json[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** What every reply and every event of one answer has. */
export interface AnswerHead {
  readonly id: string | null;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** A whole chat answer. `choices` have `index`, `message`, `finish_reason`, and the provider's own word in `native_finish_reason`. */
export function chatReply(
  head: AnswerHead,
  choices: readonly JsonObject[],
  usage: JsonObject | undefined,
  more: JsonObject = {},
) {
  return present({
    id: head.id,
    object: "chat.completion",
    created: head.created,
    model: head.model,
    choices: [...choices],
    usage,
    ...more,
  });
}

/** A whole answer with vectors. */
export function embeddingsReply(model: string, vectors: readonly Json[], usage: JsonObject | undefined): JsonObject {
  const data = vectors.map((embedding, index) => ({ object: "embedding", index, embedding }));
  return present({ object: "list", data, model, usage });
}

/** Why a whole answer ended whose provider does not say: by itself, but for MLflow's callers, who are told null there. */
export function untoldEnd({ arrival }: Call): FinishReason | null {
  return arrival.dialect === "mlflow" ? null : "stop";
}

/** Tells a stream's events in the common shape, piece by piece. */
export class ChunkTeller {
  private readonly on: StreamListener;
  /** May be set until the first event. */
  head: AnswerHead;

  constructor(on: StreamListener, head: AnswerHead) {
    this.on = on;
    this.head = head;
  }

  /**
   * What is new in one choice: `role`, `content`, `reasoning`, `reasoning_details`, `tool_calls`, `refusal`, `annotations`.
   *
   * @param more What stands beside the delta: `logprobs`.
   */
  delta(delta: JsonObject, index = 0, more: JsonObject = {}): void {
    this.tell([{ index, delta, finish_reason: null, ...more }]);
  }

  /** A tool call begins. `place` is its place among the message's calls, from 0. */
  toolCall(place: number, id: string, name: string, args = "", index = 0): void {
    const call = { index: place, id, type: "function", function: { name, arguments: args } };
    this.delta({ tool_calls: [call] }, index);
  }

  /** More of a tool call's arguments. */
  toolArguments(place: number, args: string, index = 0): void {
    this.delta({ tool_calls: [{ index: place, function: { arguments: args } }] }, index);
  }

  /** The choice is whole. `native` is the provider's own word for why. */
  finish(reason: FinishReason, native: string | undefined, index = 0, more: JsonObject = {}): void {
    this.tell([present({ index, delta: {}, finish_reason: reason, native_finish_reason: native, ...more })]);
  }

  /** What the whole call consumed; after the last choice ended. */
  usage(usage: JsonObject | undefined): void {
    if (usage) this.tell([], { usage });
  }

  private tell(choices: JsonObject[], more: JsonObject = {}): void {
    const { id, created, model } = this.head;
    this.on.onEvent({ id, object: "chat.completion.chunk", created, model, choices, ...more });
  }
}
