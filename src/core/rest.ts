import type { GatewayError } from "./errors.ts";
import type { Inbound, Running } from "./protocol.ts";

/** Headers of every JSON answer over REST; flat name, value. */
export const JSON_HEAD: readonly string[] = ["content-type", "application/json", "cache-control", "no-store"];

/** Headers of a stream of server-sent events. `no-transform` and nginx's header keep proxies from holding events back. */
export const STREAM_HEAD: readonly string[] = [
  "content-type",
  "text/event-stream; charset=utf-8",
  "cache-control",
  "no-store, no-transform",
  "x-accel-buffering",
  "no",
];

/** Headers that say what to do about a refusal. */
export function errorHeaders({ fault }: GatewayError): readonly string[] {
  const headers: string[] = [];
  if (fault.retryAfterMs !== undefined) headers.push("retry-after", String(Math.ceil(fault.retryAfterMs / 1000)));
  if (fault.allow !== undefined) headers.push("allow", fault.allow);
  if (fault.reason === "CALLER_UNKNOWN") headers.push("www-authenticate", "Bearer");
  if (fault.upstreamRequestId !== undefined) headers.push("x-polygate-upstream-request-id", fault.upstreamRequestId);
  return headers;
}

/** Ties a call and its caller: a reader's pace holds the upstream back, a caller's leaving ends it. */
export function tie(inbound: Inbound, running: Running): void {
  // Named first: V8 keeps a literal that is assigned to a property, and the call with it, until a full collection.
  const drain = () => running.resume();
  const gone = () => running.cancel();
  const stop = (error: GatewayError) => running.stop(error);
  inbound.onDrain = drain;
  inbound.onGone = gone;
  inbound.onStop = stop;
}

/** Answers 200 with plain JSON. */
export function sendJson(inbound: Inbound, json: unknown): void {
  inbound.send(200, JSON_HEAD, JSON.stringify(json));
}
