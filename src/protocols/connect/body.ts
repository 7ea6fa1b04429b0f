import { errors, type GatewayError } from "../../core/errors.ts";
import type { BodyReader, BodySource } from "../../core/protocol.ts";
import type { Caller } from "./caller.ts";

/** Bytes that may wait for a handler before the caller is held back. */
const MAX_WAITING_BYTES = 256 * 1024;
/** What is read and thrown away of a body that nobody wants any more, so that the caller gets to read the answer. */
const DRAIN_BYTES = 8 * 1024 * 1024;

/**
 * A request's body as it comes, for methods whose caller streams. Unlike a `Readable`, to stop reading it early does not
 * destroy it: the rest is thrown away, within bounds, while the answer is delivered.
 */
export class BodyStream implements BodyReader, AsyncIterableIterator<Uint8Array> {
  private readonly caller: Caller;
  private readonly source: BodySource;
  private waiting: Buffer[] = [];
  private bytes = 0;
  private ended = false;
  private unwanted = false;
  private error: GatewayError | undefined = undefined;
  private reader: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined = undefined;

  constructor(caller: Caller) {
    this.caller = caller;
    this.source = caller.inbound.read(this);
    caller.onEnd((error) => this.fail(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.waiting.shift();
    if (value !== undefined) {
      this.bytes -= value.length;
      if (this.waiting.length === 0) this.source.resume();
      return Promise.resolve({ done: false, value });
    }
    if (this.error) return Promise.reject(this.error);
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    this.reader = Promise.withResolvers();
    return this.reader.promise;
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.unwanted) {
      this.unwanted = true;
      this.waiting = [];
      this.bytes = 0;
      this.settle()?.resolve({ done: true, value: undefined });
      if (!this.ended) this.source.resume();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  onChunk(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.unwanted) {
      if (this.bytes > DRAIN_BYTES) this.caller.inbound.reset();
      return;
    }
    const reader = this.settle();
    if (reader) {
      this.bytes -= chunk.length;
      reader.resolve({ done: false, value: chunk });
    } else {
      this.waiting.push(chunk);
      if (this.bytes >= MAX_WAITING_BYTES) this.source.pause();
    }
  }

  onEnd(): void {
    this.ended = true;
    this.settle()?.resolve({ done: true, value: undefined });
  }

  onBreak(): void {
    this.fail(errors.callerGone());
  }

  private fail(error: GatewayError): void {
    this.error ??= error;
    this.settle()?.reject(error);
  }

  private settle() {
    const { reader } = this;
    this.reader = undefined;
    return reader;
  }
}

/** A body that is whole already. */
export async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes;
}
