import type { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import type { Clock } from "../../core/clock.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Running, Sink } from "../../core/protocol.ts";
import { run } from "../../core/run.ts";
import type { Caller } from "./caller.ts";
import type { Pieces } from "./pieces.ts";

/** Messages that may wait for a slow reader before the provider is held back. */
const MAX_WAITING = 16;

/** Runs a call for its whole answer, as `read` makes it of the body. Rejects with a `GatewayError`. */
export function whole<T>(call: Call, caller: Caller, clock: Clock, read: (body: Body) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const sink: Sink = {
      raw: false,
      reply: (_, body) => resolve(read(body)),
      head: NOTHING,
      data: () => true,
      event: () => true,
      end: NOTHING,
      fail: (_, error) => reject(error),
    };
    tie(run(call, sink, clock), caller, reject);
  });
}

const NOTHING = () => {};

/** Where pieces are pushed to, by those that need not wait to be asked. */
export interface Outlet<T> {
  /** False: stop until `free` calls. */
  piece(message: T): boolean;
  /** Calls `then` once, when there is room again or nobody reads any more. */
  free(then: () => void): void;
  end(): void;
  fail(error: GatewayError): void;
}

/**
 * Turns what a streamed call pushes into an async iterator, or pushes it on into an outlet. A reader that is slow holds the provider back; one that stops
 * early (`return`), or whose caller leaves, ends the call. Fails with a `GatewayError`.
 */
export class Pull<T> implements Sink, AsyncIterableIterator<T> {
  readonly raw = false;
  private readonly pieces: Pieces<T>;
  private readonly running: Running;
  private waiting: T[] = [];
  private paused = false;
  private error: GatewayError | undefined = undefined;
  private ended = false;
  private outlet: Outlet<T> | undefined = undefined;
  private reader: PromiseWithResolvers<IteratorResult<T>> | undefined = undefined;

  /** Begins the call. */
  constructor(call: Call, caller: Caller, clock: Clock, pieces: Pieces<T>) {
    this.pieces = pieces;
    this.running = run(call, this, clock);
    tie(this.running, caller, (error) => this.fail(call, error));
  }

  /** In place of iterating: pushes what came and what comes. Once. */
  into(outlet: Outlet<T>): void {
    this.outlet = outlet;
    for (const message of this.waiting) this.push(message);
    this.waiting = [];
    if (this.error) outlet.fail(this.error);
    else if (this.ended) outlet.end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    const value = this.waiting.shift();
    if (value !== undefined) {
      if (this.paused && this.waiting.length === 0) {
        this.paused = false;
        this.running.resume();
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.error) return Promise.reject(this.error);
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    this.reader = Promise.withResolvers();
    return this.reader.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.ended = true;
    this.waiting = [];
    this.running.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(thrown: unknown): Promise<IteratorResult<T>> {
    void this.return();
    return Promise.reject(thrown);
  }

  /** Never called: this was asked for as a stream. */
  reply(): void {}
  /** Never called: `raw` is false. */
  data(): boolean {
    return true;
  }
  head(): void {}

  event(json: JsonObject): boolean {
    for (const message of this.pieces.next(json)) this.push(message);
    // Held back until all was read: what was on its way already still comes, and must not let go again.
    this.paused ||= this.waiting.length >= MAX_WAITING;
    return !this.paused;
  }

  end(call: Call): void {
    this.push(this.pieces.last(call));
    this.ended = true;
    this.outlet?.end();
  }

  fail(_: Call, error: GatewayError): void {
    this.error = error;
    const { reader } = this;
    this.reader = undefined;
    reader?.reject(error);
    this.outlet?.fail(error);
  }

  private push(value: T): void {
    if (this.outlet) {
      if (!this.outlet.piece(value)) this.hold(this.outlet);
      return;
    }
    const { reader } = this;
    this.reader = undefined;
    if (reader) reader.resolve({ done: false, value });
    else this.waiting.push(value);
  }

  private hold(outlet: Outlet<T>): void {
    if (this.paused) return;
    this.paused = true;
    outlet.free(() => {
      this.paused = false;
      this.running.resume();
    });
  }
}

/** Ends the call with its caller, or when the gateway can wait no longer. */
function tie(running: Running, caller: Caller, left: (error: GatewayError) => void): void {
  caller.onEnd((error) => {
    if (caller.gone) {
      running.cancel();
      left(error);
    } else running.stop(error);
  });
}
