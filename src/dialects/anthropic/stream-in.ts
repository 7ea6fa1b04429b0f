import type { Call } from "../../core/call.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { EachEvent } from "../../core/frames.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { StreamListener } from "../../core/sse.ts";
import { annotationOf } from "./citations.ts";
import { besides, detailIn, endOf, finishOf, refusalOf } from "./reply-in.ts";
import { usageIn } from "./usage.ts";

/** What a stream of the Messages API needs to know beside the call. */
export interface StreamOptions {
  /** Seconds since 1970. */
  readonly created: number;
  /** An error that came as an event. */
  readonly fault: (json: JsonObject) => GatewayError;
}

/** A block under way. */
interface Open {
  readonly type: Json | undefined;
  readonly index: number;
  /** Of a tool's call: its place among the calls. */
  readonly place: number;
  /** Of a text: where it begins in the whole text. */
  readonly from: number;
  readonly block: JsonObject;
  input: string;
  readonly citations: JsonObject[];
}

/**
 * The events of a stream of the Messages API, told in the common shape; for `core/frames.ts`. Texts, thoughts and arguments are
 * told as they come, blocks of other kinds when they are whole. Events of unknown types are passed over.
 * @see https://docs.claude.com/en/docs/build-with-claude/streaming
 */
export function streamIn(call: Call, on: StreamListener, options: StreamOptions): EachEvent {
  const native = call.arrival.dialect === "anthropic";
  const reader = new StreamIn(call.target!.model, native, on, options);
  return (json) => reader.read(json);
}

class StreamIn {
  private readonly on: StreamListener;
  private readonly asked: string;
  private readonly native: boolean;
  private readonly options: StreamOptions;
  private id: string | null = null;
  private model: string;
  private usage: JsonObject = {};
  private more: JsonObject = {};
  private readonly open = new Map<Json | undefined, Open>();
  private calls = 0;
  private parts = 0;
  private said = 0;

  constructor(asked: string, native: boolean, on: StreamListener, options: StreamOptions) {
    this.native = native;
    this.asked = asked;
    this.model = asked;
    this.on = on;
    this.options = options;
  }

  read(json: JsonObject): void {
    switch (json["type"]) {
      case "content_block_delta": {
        const open = this.open.get(json["index"]);
        if (open !== undefined && isObject(json["delta"])) this.grow(open, json["delta"]);
        return;
      }
      case "content_block_start":
        if (isObject(json["content_block"])) this.begin(json["index"], json["content_block"]);
        return;
      case "content_block_stop":
        this.end(json["index"]);
        return;
      case "message_start":
        if (isObject(json["message"])) this.start(json["message"]);
        return;
      case "message_delta":
        this.finish(json);
        return;
      case "message_stop":
        this.on.onDone();
        return;
      case "ping":
        this.on.onAlive?.();
        return;
      case "error":
        this.on.onFault(this.options.fault(json));
    }
  }

  private start(message: JsonObject): void {
    const { id, model, usage, type: _t, role: _r, content: _c, stop_reason: _s, stop_sequence: _q, ...more } = message;
    if (typeof id === "string") this.id = id;
    if (typeof model === "string") this.model = model;
    if (isObject(usage)) this.usage = usage;
    this.more = more;
    // Callers of the API itself are told at the start what went in; others would take it for the last of the stream.
    const counted = this.native ? usageIn(this.usage) : undefined;
    const told = counted === undefined ? {} : { ...besides({}, this.usage), usage: counted };
    this.tell([{ index: 0, delta: { role: "assistant" }, finish_reason: null }], told);
  }

  private begin(index: Json | undefined, block: JsonObject): void {
    const { type } = block;
    const at = typeof index === "number" ? index : 0;
    const place = type === "tool_use" ? this.calls++ : 0;
    const open: Open = { type, index: at, place, from: this.said, block, input: "", citations: [] };
    this.open.set(index, open);
    if (type === "tool_use") this.call(open);
    else if (type === "text") {
      // The text from here on is another part.
      if (this.parts++ > 0) this.delta({ content_parts: [{ index: at, type }] });
      if (typeof block["text"] === "string" && block["text"] !== "") this.text(block["text"]);
      if (Array.isArray(block["citations"])) open.citations.push(...block["citations"].filter(isObject));
    } else if (type === "thinking" || type === "redacted_thinking") {
      const detail = detailIn(block, this.asked, at)!;
      // A thought that is told in pieces begins with nothing.
      if (type === "redacted_thinking" || detail["text"] !== "") this.thought(detail);
    } else this.parts++;
  }

  private call({ block, place }: Open): void {
    const { type: _, id, name, input, ...rest } = block;
    // As a rule the input follows in pieces, and is empty here.
    const args = isObject(input) && Object.keys(input).length > 0 ? JSON.stringify(input) : "";
    const called = { name: name ?? "", arguments: args };
    this.delta({ tool_calls: [{ index: place, id: id ?? "", type: "function", function: called, ...rest }] });
  }

  private grow(open: Open, delta: JsonObject): void {
    switch (delta["type"]) {
      case "text_delta":
        if (typeof delta["text"] === "string") this.text(delta["text"]);
        return;
      case "input_json_delta":
        if (typeof delta["partial_json"] === "string" && delta["partial_json"] !== "")
          this.input(open, delta["partial_json"]);
        return;
      case "thinking_delta":
        this.thought({ ...this.whose(open), text: delta["thinking"] ?? "" });
        return;
      case "signature_delta":
        this.delta({ reasoning_details: [{ ...this.whose(open), signature: delta["signature"] ?? "" }] });
        return;
      case "citations_delta":
        if (isObject(delta["citation"])) open.citations.push(delta["citation"]);
        return;
      default:
        for (const [name, value] of Object.entries(delta)) {
          if (name === "type" || typeof value !== "string") continue;
          const before = open.block[name];
          open.block[name] = typeof before === "string" ? before + value : value;
        }
    }
  }

  private input(open: Open, json: string): void {
    open.input += json;
    if (open.type === "tool_use") this.delta({ tool_calls: [{ index: open.place, function: { arguments: json } }] });
  }

  private end(index: Json | undefined): void {
    const open = this.open.get(index);
    if (open === undefined) return;
    this.open.delete(index);
    const { type, place, input, block, citations } = open;
    if (type === "tool_use") {
      const given = isObject(block["input"]) && Object.keys(block["input"]).length > 0;
      if (input === "" && !given) this.delta({ tool_calls: [{ index: place, function: { arguments: "{}" } }] });
    } else if (type === "text") {
      if (citations.length === 0) return;
      const annotations = citations.map((one) => annotationOf(one, open.from, this.said));
      this.delta({ annotations, content_parts: [{ index: open.index, type, citations }] });
    } else if (type !== "thinking" && type !== "redacted_thinking") {
      const whole = input === "" ? block : { ...block, input: parsed(input) };
      this.delta({ content_parts: [{ index: open.index, ...whole }] });
    }
  }

  private finish({ delta, usage, type: _, ...more }: JsonObject): void {
    if (isObject(usage)) {
      for (const [name, value] of Object.entries(usage)) if (value !== null) this.usage[name] = value;
    }
    const { stop_reason, stop_sequence, stop_details, ...rest } = isObject(delta) ? delta : {};
    if (typeof stop_reason !== "string") return;
    const refusal = refusalOf(stop_details);
    if (refusal !== undefined) this.delta({ refusal });
    const choice: JsonObject = {
      index: 0,
      delta: {},
      finish_reason: finishOf(stop_reason),
      native_finish_reason: stop_reason,
    };
    endOf(choice, stop_sequence, stop_details);
    const { stop_details: _d, ...begun } = this.more;
    this.tell([choice], besides({ ...begun, ...rest, ...more }, this.usage));
    const counted = usageIn(this.usage);
    if (counted !== undefined) this.tell([], { usage: counted });
  }

  private text(text: string): void {
    this.said += text.length;
    this.delta({ content: text });
  }

  private whose({ index }: Open): JsonObject {
    return { type: "reasoning.text", format: "anthropic", model: this.asked, index };
  }

  private thought(detail: JsonObject): void {
    const { text } = detail;
    const details = { reasoning_details: [detail] };
    this.delta(typeof text === "string" && text !== "" ? { reasoning: text, ...details } : details);
  }

  private delta(delta: JsonObject): void {
    this.tell([{ index: 0, delta, finish_reason: null }], {});
  }

  private tell(choices: JsonObject[], more: JsonObject): void {
    const { created } = this.options;
    this.on.onEvent({ id: this.id, object: "chat.completion.chunk", created, model: this.model, choices, ...more });
  }
}

function parsed(input: string): Json {
  try {
    return JSON.parse(input) as Json;
  } catch {
    return input;
  }
}
