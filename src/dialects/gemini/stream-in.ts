import type { Call } from "../../core/call.ts";
import { jsonEvents } from "../../core/frames.ts";
import type { JsonObject } from "../../core/json.ts";
import type { StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { type AnswerHead, present } from "../openai/make.ts";
import { CandidateReader, type Origin } from "./candidate.ts";
import { fields, lists, textIn } from "./fields.ts";
import { finishOf } from "./finish.ts";
import { logprobsIn } from "./logprobs.ts";
import { blockedChoice, blockOf, extrasOf, headOf, originOf, restOf } from "./reply-in.ts";
import { annotationsOf } from "./sources.ts";
import { usageIn } from "./usage.ts";

/** One candidate of a stream. */
interface Heard {
  readonly reader: CandidateReader;
  reason: string | undefined;
  extras: JsonObject;
}

/**
 * Reads `streamGenerateContent` with `alt=sse`: each event is a reply with what is new. Google has no word for the end, and older
 * models say a finish reason with every event; so why a candidate ended is told when the body is over, and the relay judges whether
 * that was its end.
 *
 * @param created Seconds since 1970.
 * @see https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
 */
export function chatStream(call: Call, on: StreamListener, created: number): StreamDecoder {
  const stream = new ChatStream(call, on, created);
  const frames = jsonEvents(on, (json) => stream.event(json));
  return {
    push: (chunk) => frames.push(chunk),
    finish() {
      const cut = frames.finish();
      if (!cut) stream.end();
      return cut;
    },
    stop() {
      stream.over = true;
      frames.stop();
    },
  };
}

class ChatStream {
  over = false;
  private readonly call: Call;
  private readonly on: StreamListener;
  private readonly created: number;
  private head: AnswerHead | undefined;
  private origin: Origin | undefined;
  private readonly candidates = new Map<number, Heard>();
  private usage: JsonObject | undefined;
  private rest: JsonObject = {};

  constructor(call: Call, on: StreamListener, created: number) {
    this.call = call;
    this.on = on;
    this.created = created;
  }

  event(json: JsonObject): void {
    // The relay reads it as the provider's fault.
    if (json["error"] !== undefined) {
      this.on.onEvent(json);
      return;
    }
    const said = fields(json);
    this.head ??= headOf(this.call, said, this.created);
    this.origin ??= originOf(this.call, said);
    this.usage = usageIn(said["usageMetadata"]) ?? this.usage;
    this.rest = { ...this.rest, ...restOf(said) };
    for (const [at, candidate] of lists(said["candidates"]).entries()) this.candidate(candidate, at);
    const blocked = blockOf(said["promptFeedback"]);
    if (blocked !== undefined && this.candidates.size === 0) this.blocked(blocked);
  }

  /** The body is over: what is known of the whole is told. */
  end(): void {
    if (this.over || this.head === undefined) return;
    const ended = [...this.candidates].filter(([, { reason }]) => reason !== undefined);
    for (const [index, { reader, reason, extras }] of ended) {
      const late = reader.close();
      if (late) this.tell([{ index, delta: late, finish_reason: null }]);
      const annotations = annotationsOf(extras, reader.text);
      this.tell([
        {
          index,
          delta: annotations.length > 0 ? { annotations } : {},
          finish_reason: finishOf(reason, reader.calls > 0),
          native_finish_reason: reason,
          ...extras,
        },
      ]);
    }
    if (this.usage) this.tell([], { ...this.rest, usage: this.usage });
  }

  private candidate(candidate: JsonObject, at: number): void {
    const index = typeof candidate["index"] === "number" ? candidate["index"] : at;
    let heard = this.candidates.get(index);
    if (heard === undefined) {
      heard = { reader: new CandidateReader(this.origin!, index), reason: undefined, extras: {} };
      this.candidates.set(index, heard);
      this.tell([{ index, delta: { role: "assistant" }, finish_reason: null }]);
    }
    const logprobs = logprobsIn(candidate["logprobsResult"]);
    const deltas = heard.reader.read(candidate["content"]);
    if (logprobs !== undefined && deltas.length === 0) deltas.push({});
    for (const [place, delta] of deltas.entries()) {
      this.tell([present({ index, delta, logprobs: place === 0 ? logprobs : undefined, finish_reason: null })]);
    }
    heard.reason = textIn(candidate["finishReason"]) ?? heard.reason;
    heard.extras = { ...heard.extras, ...extrasOf(candidate) };
  }

  private blocked(reason: string): void {
    const { delta, ...ended } = blockedChoice(reason, "delta");
    const { promptFeedback } = this.rest;
    this.tell([{ index: 0, delta, finish_reason: null }], { promptFeedback });
    this.tell([{ index: 0, delta: {}, ...ended }], { promptFeedback });
  }

  private tell(choices: JsonObject[], more: JsonObject = {}): void {
    if (this.over) return;
    const { id, created, model } = this.head!;
    this.on.onEvent({ id, object: "chat.completion.chunk", created, model, choices, ...more });
  }
}
