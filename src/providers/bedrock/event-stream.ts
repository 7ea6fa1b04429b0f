import { crc32 } from "node:zlib";
import { type JsonObject, parsedObject } from "../../core/json.ts";
import type { StreamDecoder } from "../../core/provider.ts";
import { MAX_EVENT_BYTES, type StreamListener } from "../../core/sse.ts";

/** Media type of AWS's streams. */
export const EVENT_STREAM = "application/vnd.amazon.eventstream";

/** Whom a decoder tells of what it reads. */
export interface Events {
  /** One event: its `:event-type`, and its payload. */
  event(type: string, json: JsonObject): void;
  /** The service failed within its stream: `:exception-type`, or the code of an error that it does not model. */
  exception(type: string, json: JsonObject): void;
}

/** Length of the whole and of the headers, and the checksum of both. */
const PRELUDE_BYTES = 12;
/** At the end, of the whole. */
const CHECKSUM_BYTES = 4;

/**
 * Reads AWS's binary event stream. A frame whose checksums are wrong, whose payload is not a JSON object, or that is larger than
 * `maxEventBytes` ends the stream as broken; the prelude is judged before any of what it announces is waited for. Read by hand: AWS's
 * own codec brings 500 KB of modules along, and sums bytes up in JavaScript.
 *
 * @see https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
 */
export class EventStreamDecoder implements StreamDecoder {
  private readonly on: Pick<StreamListener, "onBad">;
  private readonly events: Events;
  private readonly maxEventBytes: number;
  private held: Buffer[] = [];
  private heldBytes = 0;
  /** Bytes that have to be there before there is something to read. */
  private need = PRELUDE_BYTES;
  private over = false;

  constructor(on: Pick<StreamListener, "onBad">, events: Events, maxEventBytes = MAX_EVENT_BYTES) {
    this.on = on;
    this.events = events;
    this.maxEventBytes = maxEventBytes;
  }

  push(chunk: Buffer): void {
    if (this.over) return;
    this.held.push(chunk);
    this.heldBytes += chunk.length;
    if (this.heldBytes < this.need) return;
    let bytes = this.held.length === 1 ? this.held[0]! : Buffer.concat(this.held);
    while (!this.over && bytes.length >= this.need) {
      if (this.need === PRELUDE_BYTES) this.need = this.announced(bytes);
      else {
        this.frame(bytes.subarray(0, this.need));
        bytes = bytes.subarray(this.need);
        this.need = PRELUDE_BYTES;
      }
    }
    this.held = [bytes];
    this.heldBytes = bytes.length;
  }

  finish(): boolean {
    return !this.over && this.heldBytes > 0;
  }

  stop(): void {
    this.over = true;
    this.held = [];
  }

  /** Bytes of the frame that begins here. */
  private announced(bytes: Buffer): number {
    const total = bytes.readUInt32BE(0);
    if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) this.bad("the checksum of a frame's prelude is wrong");
    else if (total > this.maxEventBytes) this.bad(`one event is larger than ${this.maxEventBytes} bytes`);
    else if (total < PRELUDE_BYTES + bytes.readUInt32BE(4) + CHECKSUM_BYTES)
      this.bad("a frame is shorter than its headers");
    return total;
  }

  private frame(bytes: Buffer): void {
    const end = bytes.length - CHECKSUM_BYTES;
    const from = PRELUDE_BYTES + bytes.readUInt32BE(4);
    if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) {
      this.bad("a frame's checksum is wrong");
      return;
    }
    const headers = headersIn(bytes.subarray(PRELUDE_BYTES, from));
    if (headers === undefined) {
      this.bad("a frame's headers cannot be read");
      return;
    }
    const header = (name: string) => headers.get(name) ?? "";
    const body = bytes.toString("utf8", from, end);
    const json = parsed(body);
    const kind = header(":message-type");
    if (kind === "exception") this.events.exception(header(":exception-type"), json ?? { message: body });
    else if (kind === "error") this.events.exception(header(":error-code"), { message: header(":error-message") });
    else if (kind !== "event") return;
    else if (json === undefined) this.bad("an event is not a JSON object");
    else this.events.event(header(":event-type"), json);
  }

  private bad(why: string): void {
    this.stop();
    this.on.onBad(why);
  }
}

/** Bytes of a header's value, by its type: two booleans, four integers, a time and a UUID; the others say it themselves. */
const SIZES: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };
const BYTES = 6;
const TEXT = 7;

/** The headers that are text; `undefined`: they cannot be read. */
function headersIn(bytes: Buffer): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  let at = 0;
  const take = (length: number) => {
    at += length;
    return at - length;
  };
  while (at < bytes.length) {
    const nameBytes = bytes[take(1)]!;
    const name = bytes.toString("utf8", take(nameBytes), at);
    const type = bytes[take(1)] ?? -1;
    const sized = type === TEXT || type === BYTES;
    if (sized && at + 2 > bytes.length) return undefined;
    const length = sized ? bytes.readUInt16BE(take(2)) : SIZES[type];
    if (length === undefined || at + length > bytes.length) return undefined;
    const from = take(length);
    if (type === TEXT) found.set(name, bytes.toString("utf8", from, at));
  }
  return found;
}

function parsed(text: string): JsonObject | undefined {
  return text === "" ? {} : parsedObject(text);
}
