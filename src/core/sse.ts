import { createParser, type EventSourceParser } from "eventsource-parser";
import { Alike } from "./alike.ts";
import type { GatewayError } from "./errors.ts";
import { type JsonObject, parsedObject } from "./json.ts";
import type { StreamDecoder } from "./provider.ts";

/** Largest single event of an upstream stream, bytes. An image in one event is a few MiB of base64. */
export const MAX_EVENT_BYTES = 10 * 1024 * 1024;

/** Takes a stream of OpenAI-style events apart. All calls are synchronous, within `push` or `finish`. */
export interface StreamListener {
  /** One event's JSON, in order. */
  onEvent(json: JsonObject): void;
  /**
   * An event came that differs from one before in the text of its piece alone. False, or absent: it is wanted parsed, as any.
   */
  onAlike?(): boolean;
  /** The bytes of whole events that `onEvent` was just told of, comments included; a part of an event never shows here. */
  onWhole(events: Buffer): void;
  /** `[DONE]`. Nothing follows. */
  onDone(): void;
  /** What came is not a stream of JSON events. Nothing follows. */
  onBad(why: string): void;
  /** The provider told of its own failure within the stream. Nothing follows. */
  onFault(error: GatewayError): void;
  /** The provider says that it is at work and has nothing to tell yet: it counts as sound. */
  onAlive?(): void;
}

const DONE = "[DONE]";
const NEWLINE = 0x0a;
const BOUNDARY = Buffer.from("\n\n");

/**
 * Server-sent events whose data is JSON, ended by `data: [DONE]`. Bytes in, parsed events and their own bytes out, so that
 * they can be passed on as they came. Every event is parsed, about 1.5 us, or seen to be like one that was: without it, a half
 * event or an error object would be passed on as if it were an answer.
 *
 * Streams that use CR are read by eventsource-parser and written anew with LF.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class StreamReader implements StreamDecoder {
  private readonly on: StreamListener;
  private readonly maxEventBytes: number;
  private held: Buffer[] = [];
  private heldBytes = 0;
  private lastByte = 0;
  private over = false;
  private slow: { parser: EventSourceParser; decoder: InstanceType<typeof TextDecoder> } | undefined;
  private first = true;
  private readonly alike = new Alike();

  constructor(on: StreamListener, maxEventBytes = MAX_EVENT_BYTES) {
    this.on = on;
    this.maxEventBytes = maxEventBytes;
  }

  push(chunk: Buffer): void {
    if (this.over || chunk.length === 0) return;
    if (this.first) {
      this.first = false;
      // A byte order mark may lead a stream.
      if (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) chunk = chunk.subarray(3);
    }
    if (this.slow === undefined && chunk.includes(0x0d)) this.goSlow();
    if (this.slow) {
      this.feedSlow(chunk);
      return;
    }
    const end = this.boundary(chunk);
    if (end < 0) {
      this.hold(chunk);
      return;
    }
    const whole = this.heldBytes === 0 ? chunk.subarray(0, end) : this.take(chunk.subarray(0, end));
    this.lastByte = 0;
    this.frames(whole);
    if (!this.over && end < chunk.length) this.hold(chunk.subarray(end));
  }

  /** The upstream's bytes are over. True: an event was cut in half, and nothing was told of it. */
  finish(): boolean {
    if (this.over) return false;
    if (this.slow) {
      // A last event without its blank line is read too: the end of the body is as good an end.
      this.feedSlow(Buffer.from("\n\n"));
      return false;
    }
    if (this.heldBytes === 0) return false;
    const rest = this.take(BOUNDARY);
    const text = rest.toString("utf8").trim();
    if (text === "") return false;
    if (!text.startsWith("data:") || !(text.endsWith("}") || text.endsWith(DONE))) return true;
    this.frames(rest);
    return false;
  }

  /** Index after the last blank line of what is held plus `chunk`, in `chunk`; -1: none. */
  private boundary(chunk: Buffer): number {
    const at = chunk.lastIndexOf(BOUNDARY);
    if (at >= 0) return at + 2;
    return this.lastByte === NEWLINE && chunk[0] === NEWLINE ? 1 : -1;
  }

  private hold(chunk: Buffer): void {
    this.held.push(chunk);
    this.heldBytes += chunk.length;
    this.lastByte = chunk[chunk.length - 1]!;
    if (this.heldBytes > this.maxEventBytes) this.bad(`one event is larger than ${this.maxEventBytes} bytes`);
  }

  private take(last: Buffer): Buffer {
    const all = Buffer.concat([...this.held, last]);
    this.held = [];
    this.heldBytes = 0;
    return all;
  }

  private frames(whole: Buffer): void {
    let start = 0;
    let from = 0;
    while (start < whole.length) {
      const at = whole.indexOf(BOUNDARY, start);
      const end = at < 0 ? whole.length : at + 2;
      const data = frameData(whole, start, end);
      if (data !== undefined && !(this.alike.knows(data) && this.on.onAlike?.() === true)) {
        const json = data === DONE ? undefined : parsedObject(data);
        // Whatever may end the call comes after what was whole before it.
        if ((json === undefined || json["error"] !== undefined) && start > from) {
          this.on.onWhole(whole.subarray(from, start));
          from = start;
        }
        if (json !== undefined) this.alike.learn(data, json);
        this.tell(data, json);
        if (this.over) return;
      }
      start = end;
    }
    this.on.onWhole(whole.subarray(from));
  }

  private tell(data: string, json: JsonObject | undefined): void {
    if (json !== undefined) this.on.onEvent(json);
    else if (data === DONE) {
      this.stop();
      this.on.onDone();
    } else this.bad("an event is not a JSON object");
  }

  /** Stops reading; nothing more is told. */
  stop(): void {
    this.over = true;
    this.held = [];
    this.heldBytes = 0;
  }

  private bad(why: string): void {
    this.stop();
    this.on.onBad(why);
  }

  private goSlow(): void {
    const parser = createParser({
      onEvent: ({ data }) => {
        if (this.over) return;
        this.tell(data, data === DONE ? undefined : parsedObject(data));
        if (!this.over) this.on.onWhole(Buffer.from(`data: ${data.replaceAll("\n", "\ndata: ")}\n\n`));
      },
    });
    this.slow = { parser, decoder: new TextDecoder() };
    if (this.heldBytes > 0) this.feedSlow(this.take(Buffer.alloc(0)));
  }

  private feedSlow(chunk: Buffer): void {
    const { parser, decoder } = this.slow!;
    const before = this.heldBytes + chunk.length;
    this.heldBytes = chunk.includes(NEWLINE) || chunk.includes(0x0d) ? 0 : before;
    if (before > this.maxEventBytes) {
      this.bad(`one event is larger than ${this.maxEventBytes} bytes`);
      return;
    }
    parser.feed(decoder.decode(chunk, { stream: true }));
  }
}

/** The data of the frame `[start, end)`, its lines joined; `undefined`: a comment, or a field other than data. */
function frameData(whole: Buffer, start: number, end: number): string | undefined {
  let stop = end;
  while (stop > start && whole[stop - 1] === NEWLINE) stop--;
  // Nearly every event is one line, `data: {...}`.
  if (whole[start] === 0x64 && whole[start + 4] === 0x3a) {
    const newline = whole.indexOf(NEWLINE, start);
    if (newline === -1 || newline >= stop) {
      return whole.toString("utf8", whole[start + 5] === 0x20 ? start + 6 : start + 5, stop);
    }
  }
  let data: string | undefined;
  const parser = createParser({ onEvent: (event) => (data = event.data) });
  parser.feed(`${whole.toString("utf8", start, stop)}\n\n`);
  return data;
}
