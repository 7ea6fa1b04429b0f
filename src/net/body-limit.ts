import { errors, GatewayError } from "../core/errors.ts";
import type { Port } from "./host.ts";

/** A body stream of either HTTP version. */
export interface Readable {
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "end" | "close" | "error" | "aborted", listener: () => void): unknown;
  resume(): unknown;
}

/** How much of a refused body is read and thrown away, so that the caller finishes sending and reads the refusal. */
export const DRAIN_BYTES = 8 * 1024 * 1024;
/** How long a caller may go on sending after its answer, milliseconds. */
export const LINGER_MS = 5_000;

/** What becomes of a body. */
export interface Collected {
  /** Called once: the bytes, or why there are none. */
  done(error: GatewayError | undefined, bytes: Buffer): void;
  /** The caller goes on sending what nobody wants. */
  cut(): void;
}

/**
 * Collects a body. One over the limit, or over what the port may hold in all, is refused as soon as that is known; what still
 * comes is thrown away, up to 8 MiB, after which `cut` is called.
 */
export class Collector {
  private readonly port: Port;
  private readonly on: Collected;
  private chunks: Buffer[] = [];
  private held = 0;
  private over = false;

  /** @param declared The header `content-length`. */
  constructor(stream: Readable, declared: string | undefined, limitBytes: number, port: Port, on: Collected) {
    this.port = port;
    this.on = on;
    let size = 0;
    if (declared !== undefined && Number(declared) > limitBytes) this.refuse(errors.bodyTooLarge(limitBytes));
    const { memory } = port;
    stream.on("data", (chunk) => {
      size += chunk.length;
      if (this.over) {
        if (size > limitBytes + DRAIN_BYTES) on.cut();
      } else if (size > limitBytes) this.refuse(errors.bodyTooLarge(limitBytes));
      else if (memory.used + chunk.length > memory.max) this.refuse(errors.overloaded());
      else {
        this.held += chunk.length;
        memory.used += chunk.length;
        this.chunks.push(chunk);
      }
    });
    stream.on("end", () => {
      if (this.over) return;
      this.over = true;
      const { chunks } = this;
      this.chunks = [];
      on.done(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    const gone = () => this.refuse(errors.callerGone());
    // HTTP/2 tells of the end of a body that was cut, too; after this.
    stream.on("aborted", gone);
    stream.on("close", gone);
    stream.on("error", gone);
  }

  /** Gives up on a body that is not there yet. */
  late(): void {
    const seconds = Math.ceil(this.port.requestTimeoutMs / 1000);
    const why = `The request was not complete within ${seconds} s.`;
    this.refuse(new GatewayError(why, { reason: "DEADLINE_PASSED", http: 408, limit: "caller" }));
  }

  /** The bytes are no longer held: the exchange is over. */
  release(): void {
    this.port.memory.used -= this.held;
    this.held = 0;
  }

  private refuse(error: GatewayError): void {
    if (this.over) return;
    this.over = true;
    this.chunks = [];
    this.release();
    this.on.done(error, NOTHING);
  }
}

const NOTHING = Buffer.alloc(0);
