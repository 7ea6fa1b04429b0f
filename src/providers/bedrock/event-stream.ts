import { crc32 } from "node:zlib";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { isObject, type JsonObject } from "../../core/json.ts";
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
/** With the checksum of the whole at its end. */
const LEAST_BYTES = 16;

/**
 * Reads AWS's binary event stream. A frame whose checksums are wrong, whose payload is not a JSON object, or that is larger than
 * `maxEventBytes` ends the stream as broken; the prelude is judged before any of what it announces is waited for.
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
    else if (total < LEAST_BYTES + bytes.readUInt32BE(4)) this.bad("a frame is shorter than its headers");
    return total;
  }

  private frame(bytes: Buffer): void {
    let message: ReturnType<EventStreamCodec["decode"]>;
    try {
      message = CODEC.decode(bytes);
    } catch {
      // It throws for the checksum, and for headers that cannot be read.
      this.bad("a frame's checksum is wrong, or it cannot be read");
      return;
    }
    const header = (name: string) => String(message.headers[name]?.value ?? "");
    const body = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength).toString("utf8");
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

/** AWS's own, which wants to be told how text is coded. */
const CODEC = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString("utf8"),
  (text) => Buffer.from(text, "utf8"),
);

function parsed(text: string): JsonObject | undefined {
  if (text === "") return {};
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
