import { errors, GatewayError } from "../core/errors.ts";
import type { Port } from "./host.ts";

/** Takes a body as it comes. */
export interface Taker {
  chunk(bytes: Buffer): void;
  /** It is whole. */
  end(): void;
  /** No more of it comes, and it is not whole. */
  gone(): void;
}

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

/** Smaller chunks are put together, this many at a time: a byte in a buffer of its own takes a hundred. */
const SMALL_BYTES = 1024;
const SMALL_CHUNKS = 256;

/** Whose body it is. */
export interface Owner {
  /** The caller goes on sending what nobody wants. */
  cut(): void;
  /** What was done with the body threw. */
  failed(thrown: unknown): void;
}

/** Why a request is given up whose body takes too long. */
export function requestLate(timeoutMs: number): GatewayError {
  const why = `The request was not complete within ${Math.ceil(timeoutMs / 1000)} s.`;
  return new GatewayError(why, { reason: "DEADLINE_PASSED", http: 408, limit: "caller" });
}

/** Called once: the bytes, or why there are none. */
export type Done = (error: GatewayError | undefined, bytes: Buffer) => void;

/**
 * Collects a body. One over the limit, or over what the port may hold in all, is refused as soon as that is known; what still
 * comes is thrown away, up to 8 MiB, after which it is cut.
 */
export class Collector implements Taker {
  private readonly port: Port;
  private readonly limitBytes: number;
  private owner: Owner;
  private done: Done;
  private chunks: Buffer[] = [];
  private small: Buffer[] = [];
  private size = 0;
  private held = 0;
  private over = false;

  /** @param declared The header `content-length`. */
  constructor(declared: string | undefined, limitBytes: number, port: Port, owner: Owner, done: Done) {
    this.port = port;
    this.limitBytes = limitBytes;
    this.owner = owner;
    this.done = done;
    if (declared !== undefined && Number(declared) > limitBytes) this.refuse(errors.bodyTooLarge(limitBytes));
  }

  /** Takes the body from a stream. */
  listen(stream: Readable): void {
    stream.on("data", (chunk) => this.chunk(chunk));
    stream.on("end", () => this.end());
    const gone = () => this.gone();
    // HTTP/2 tells of the end of a body that was cut, too; after this.
    stream.on("aborted", gone);
    stream.on("close", gone);
    stream.on("error", gone);
  }

  chunk(bytes: Buffer): void {
    const { limitBytes, port } = this;
    const { memory } = port;
    this.size += bytes.length;
    if (this.over) {
      if (this.size > limitBytes + DRAIN_BYTES) this.owner.cut();
    } else if (this.size > limitBytes) this.refuse(errors.bodyTooLarge(limitBytes));
    else if (memory.used + bytes.length > memory.max) this.refuse(errors.overloaded());
    else {
      this.held += bytes.length;
      memory.used += bytes.length;
      this.keep(bytes);
    }
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    const chunks = this.small.length === 0 ? this.chunks : [...this.chunks, ...this.small];
    this.drop();
    this.tell(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  }

  gone(): void {
    if (!this.over) this.refuse(errors.callerGone());
  }

  /** Refuses a body that is not there yet and never will be. */
  spoil(error: GatewayError): void {
    if (!this.over) this.refuse(error);
  }

  /** Gives up on a body that is not there yet. */
  late(): void {
    this.refuse(requestLate(this.port.requestTimeoutMs));
  }

  /** The bytes are no longer held: the exchange is over. */
  release(): void {
    this.port.memory.used -= this.held;
    this.held = 0;
  }

  /** As `release`, and whom the body was for is no longer held either: the stream may be, for longer. */
  forget(): void {
    this.release();
    if (!this.over) return;
    this.owner = NOBODY;
    this.done = NOTHING_DONE;
  }

  private keep(chunk: Buffer): void {
    const { chunks, small } = this;
    if (chunk.length < SMALL_BYTES && small.push(chunk) < SMALL_CHUNKS) return;
    if (small.length > 0) {
      chunks.push(small.length === 1 ? small[0]! : Buffer.concat(small));
      this.small = [];
    }
    if (chunk.length >= SMALL_BYTES) chunks.push(chunk);
  }

  private drop(): void {
    this.chunks = [];
    this.small = [];
  }

  private refuse(error: GatewayError): void {
    if (this.over) return;
    this.over = true;
    this.drop();
    this.release();
    this.tell(error, NOTHING);
  }

  /** Nobody is above this to catch what is thrown: it would end the process, and with it everybody's calls. */
  private tell(error: GatewayError | undefined, bytes: Buffer): void {
    try {
      this.done(error, bytes);
    } catch (thrown) {
      this.owner.failed(thrown);
    }
  }
}

const NOTHING = Buffer.alloc(0);
const NOBODY: Owner = { cut() {}, failed() {} };
const NOTHING_DONE: Done = () => {};
