import { errors } from "../../core/errors.ts";
import { jsonEvents } from "../../core/frames.ts";
import { isObject, type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import type { Reading, StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { callsIn, usageIn } from "./calls-in.ts";
import type { FinishReason } from "./make.ts";

/** Where the answers of a server that speaks OpenAI's API differ from OpenAI's. */
export interface NearlyOpenAI {
  /** Its words for why an answer ended, where they are not OpenAI's. */
  readonly finish?: Readonly<Record<string, FinishReason>>;
  /** A message, or the delta of a stream's, in the common shape. */
  message?(said: JsonObject, model: string): JsonObject;
  /** What else of a choice is not as OpenAI says it: log probabilities. */
  choice?(choice: JsonObject): JsonObject;
}

/** What answers are called. */
const OBJECTS = {
  chat: { whole: "chat.completion", piece: "chat.completion.chunk" },
  completions: { whole: "text_completion", piece: "text_completion" },
};

/**
 * Reads such answers. What is OpenAI's stays as it is; an end is told in OpenAI's word and the server's own beside it, a stream's
 * usage in an event of its own after the last choice, whichever event had it.
 *
 * @param now Seconds since 1970, for servers that tell no time.
 */
export function nearlyOpenAI(op: "chat" | "completions", differs: NearlyOpenAI, now: () => number): Reading {
  const { whole, piece } = OBJECTS[op];
  return {
    reply(call, json) {
      if (!Array.isArray(json["choices"])) throw errors.upstreamFailed("The provider's answer has no list of choices.");
      const model = call.target?.model ?? "";
      const choices = new Choices(op, differs, model, "message").read(json);
      const usage = isObject(json["usage"]) ? { usage: usageIn(json["usage"]) } : {};
      return { ...headOf(json, model, now), ...json, object: whole, choices, ...usage };
    },
    stream(call, on) {
      const model = call.target?.model ?? "";
      const choices = new Choices(op, differs, model, "delta");
      return withUsageLast(on, (json) => ({
        ...headOf(json, model, now),
        ...json,
        object: piece,
        choices: choices.read(json),
      }));
    },
  };
}

function headOf(json: Readonly<JsonObject>, model: string, now: () => number): JsonObject {
  return { id: json["id"] ?? null, object: "", created: json["created"] ?? now(), model };
}

/** Reads the choices of one answer, whole or event by event. */
class Choices {
  private readonly op: "chat" | "completions";
  private readonly differs: NearlyOpenAI;
  private readonly model: string;
  private readonly member: "message" | "delta";
  /** Those that called a tool. */
  private readonly called = new Set<Json>();

  constructor(op: "chat" | "completions", differs: NearlyOpenAI, model: string, member: "message" | "delta") {
    this.op = op;
    this.differs = differs;
    this.model = model;
    this.member = member;
  }

  read(json: Readonly<JsonObject>): JsonObject[] {
    return objectsIn(json["choices"]).map((choice, at) => this.choice(choice, at));
  }

  private choice(choice: JsonObject, at: number): JsonObject {
    const { differs, member, model, op } = this;
    const { index = at, delta, message, text, finish_reason: native, ...rest } = differs.choice?.(choice) ?? choice;
    const said = objectIn(member === "delta" ? delta : message);
    const read = callsIn(differs.message?.(said, model) ?? said, member === "delta");
    const { tool_calls: calls } = read;
    if (Array.isArray(calls) && calls.length > 0) this.called.add(index);
    const answer =
      op === "chat" ? { [member]: read } : { text: typeof text === "string" ? text : textIn(read["content"]) };
    return { index, ...rest, ...answer, ...this.end(native, index) };
  }

  private end(native: Json | undefined, index: Json): JsonObject {
    if (typeof native !== "string") return { finish_reason: null };
    if (native === "error") throw errors.upstreamFailed("The provider ended its answer with an error.");
    const reason = this.differs.finish?.[native] ?? native;
    // Some servers end a call of a tool as they end a text.
    const finish_reason = reason === "stop" && this.called.has(index) ? "tool_calls" : reason;
    return { finish_reason, native_finish_reason: native };
  }
}

function withUsageLast(on: StreamListener, read: (json: JsonObject) => JsonObject): StreamDecoder {
  let usage: JsonObject | undefined;
  let head: JsonObject = {};
  const tellUsage = () => {
    if (usage) on.onEvent({ ...head, choices: [], usage });
    usage = undefined;
  };
  const listener: StreamListener = {
    onEvent: (json) => on.onEvent(json),
    onWhole: (events) => on.onWhole(events),
    onDone() {
      tellUsage();
      on.onDone();
    },
    onBad: (why) => on.onBad(why),
    onFault: (error) => on.onFault(error),
  };
  const decoder = jsonEvents(listener, (json) => {
    if (!Array.isArray(json["choices"])) {
      // An error takes many forms; what has neither choices nor words is a sign of life.
      if (["error", "message", "detail", "error_code"].some((name) => (json[name] ?? null) !== null)) {
        on.onEvent({ ...json, error: json["error"] ?? { ...json } });
      }
      return;
    }
    const { usage: counted, ...event } = read(json);
    // Some count in every event: the last one is right.
    if (isObject(counted)) usage = usageIn(counted);
    const { id = null, object = "", created = 0, model = "" } = event;
    head = { id, object, created, model };
    if ((event["choices"] as Json[]).length > 0) on.onEvent(event);
  });
  return {
    push: (chunk) => decoder.push(chunk),
    finish() {
      const cut = decoder.finish();
      if (!cut) tellUsage();
      return cut;
    },
    stop: () => decoder.stop(),
  };
}
