import type { Body } from "./body.ts";
import type { Call, HeaderMap } from "./call.ts";
import type { GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Permission, Principal } from "./principal.ts";
import type { Door } from "./site.ts";
import type { Member } from "./survey.ts";

/**
 * Where an answer goes, pushed: a protocol's end of a call. The order is `reply`, or `head` then any number of `data` or
 * `event` and then exactly one of `end` and `fail`, or `fail` alone. Nothing follows. All are synchronous.
 */
export interface Sink {
  /** True: takes the common shape's own bytes by `data`. False: takes parsed events by `event`. */
  readonly raw: boolean;
  /**
   * Of one that is not raw: when it can make its answer of these bytes, a whole reply that was not looked at yet, what the reply has
   * at its top, each name once. Then `reply` follows with them, unless something is wrong with it. `undefined`: it cannot, and the
   * reply is parsed first.
   */
  takes?(reply: Buffer, call: Call): readonly Member[] | undefined;
  /** A whole answer, in the common shape. */
  reply(call: Call, body: Body): void;
  /** A stream begins; its first event follows at once. */
  head(call: Call): void;
  /** Whole server-sent events, never a part of one, without the closing `[DONE]`. False: stop until `Running.resume`. */
  data(events: Buffer): boolean;
  /** One event. False: stop until `Running.resume`. */
  event(json: JsonObject): boolean;
  /** Within a stream: the provider is at work. For dialects that have a word for it, so that nobody between takes it for dead. */
  alive?(): void;
  /** The stream is whole. */
  end(call: Call): void;
  /** The call failed: before `reply` or `head` as a whole answer, after `head` as the dialect's own stream error. */
  fail(call: Call, error: GatewayError): void;
}

/** Holds of a call under way, for the protocol. */
export interface Running {
  /** The caller reads again. */
  resume(): void;
  /** The caller is gone: the upstream is closed, nothing more is pushed, the call settles as CALLER_GONE. */
  cancel(): void;
  /** The gateway ends the call: the caller is told `error` in the dialect's form, as for any failure. */
  stop(error: GatewayError): void;
}

/** Flat name, value, name, value. */
export type FlatHeaders = readonly string[];

/** What the log and the metrics want to know of an exchange. */
export interface Seen {
  /** `x-request-id`: the caller's when it is well formed, else ours. Sent back with every answer. */
  readonly id: string;
  /** Empty when what came was no request. */
  readonly method: string;
  /** Without query; not decoded. Empty when what came was no request. */
  readonly path: string;
  readonly headers: HeaderMap;
  readonly remote: string;
  /** Monotonic milliseconds at which the head was complete. */
  readonly started: number;
  /** Whom the gateway takes the caller for; until it is let in, one who may do nothing. */
  principal: Principal;
  /** For the log: the protocol that answers, by its kind or more exactly; empty until one was found. */
  protocol: string;
  /** For the log: the call that this became, and why it failed when it never became one. Set by the protocol. */
  call: Call | undefined;
  error: GatewayError | undefined;
  /** HTTP status as sent; 0: nothing was. */
  readonly status: number;
}

/**
 * One HTTP exchange with a caller, the same over HTTP/1.1 and HTTP/2. Made by `net/`, used by the protocols.
 * Writing after the caller has gone does nothing.
 */
export interface Inbound extends Seen {
  /** Without the question mark; empty when there is none. */
  readonly query: string;
  readonly http2: boolean;
  readonly secure: boolean;
  /** What was asked for, as `scheme://authority`. */
  readonly base: string;
  /** Whether it takes one of the places of calls; the gateway's own business. */
  counted: boolean;
  /** Sent with every answer beside its own headers, `x-request-id` first; for what holds whatever the answer is, as CORS. */
  readonly always: string[];
  /**
   * Collects the body. Calls `done` once: with the bytes, or with BODY_TOO_LARGE or CALLER_GONE. What is past the limit is
   * read and thrown away within bounds, so that the refusal is delivered.
   */
  collect(limitBytes: number, done: (error: GatewayError | undefined, bytes: Buffer) => void): void;
  /** The body chunk by chunk, for protocols with streams of their own; `undefined` chunk: it ended. Pausable. */
  read(on: BodyReader): BodySource;
  /** Whole answer in one write. `trailers` follow it (HTTP/2 only). */
  send(status: number, headers: FlatHeaders, body: Buffer | string, trailers?: FlatHeaders): void;
  /** Begins an answer of unknown length. `trailers`: some will follow (HTTP/2 only). */
  open(status: number, headers: FlatHeaders, trailers?: boolean): void;
  /** False: full; wait for `onDrain`. */
  write(chunk: Buffer | string): boolean;
  close(trailers?: FlatHeaders): void;
  /** Breaks the answer off so that the caller can tell: RST_STREAM, or the connection cut. */
  reset(): void;
  /** The caller's buffer is empty again. One listener, set once. */
  onDrain: (() => void) | undefined;
  /** The caller went away before the answer was whole. One listener, set once. */
  onGone: (() => void) | undefined;
  /** The gateway can wait no longer: end the answer with this error. One listener, set once. */
  onStop: ((error: GatewayError) => void) | undefined;
}

/** Takes a request body as it comes. After `onEnd` or `onBreak` nothing more is called. */
export interface BodyReader {
  onChunk(chunk: Buffer): void;
  onEnd(): void;
  /** The caller went away in the middle. */
  onBreak(): void;
}

/** Holds the caller back while its body cannot be taken. */
export interface BodySource {
  pause(): void;
  resume(): void;
}

/** One path of the surface. `{name}` in a path matches one segment. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  /** What it asks of its caller. `open`, which is for health and what describes the API, takes a path without `{name}`. */
  readonly permission: Permission;
  /** False: who may GET may not ask with HEAD. */
  readonly head?: boolean;
  /** Whether a request for a path that another protocol has too is this one's; a path without `{name}`. */
  claims?(inbound: Inbound): boolean;
  handle(inbound: Inbound, params: readonly string[]): void;
}

/** A protocol: one folder under `protocols/`, whose `index.ts` exports this as `protocol`. */
export interface Protocol {
  readonly kind: string;
  mounts(door: Door): readonly Mount[];
  /** What of it the operators' port serves; absent: nothing. */
  adminMounts?(door: Door): readonly Mount[];
}

/**
 * A family of paths and the dialect that answers under a prefix: what is not found under it is refused in its words.
 * The longest prefix wins.
 */
export interface Mount {
  readonly prefix: string;
  readonly endpoints: readonly Endpoint[];
  /** The endpoint at a path that only the config knows; asked for paths that no other endpoint has. */
  finds?(path: string): Endpoint | undefined;
  /** In place of the prefix, which then only gives the order: whether a request that no endpoint has is this family's. */
  claims?(inbound: Inbound): boolean;
  /** Answers for a path or method that no endpoint has; also for a failure before any endpoint ran. */
  refuse(inbound: Inbound, error: GatewayError): void;
}
