import type { Arrival, Dialect, HeaderMap } from "./call.ts";
import { GatewayError } from "./errors.ts";
import type { Inbound } from "./protocol.ts";

/** Longest `x-request-id` taken from a caller. */
const MAX_ID = 128;
const ID = /^[\w.:/+=@-]+$/;

/** A header's only value; a repeated header's first. */
export function header(headers: HeaderMap, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** The caller's request id when it is printable and at most 128 characters, else a new one. */
export function requestId(headers: HeaderMap, newId: () => string): string {
  const given = header(headers, "x-request-id");
  return given !== undefined && given.length <= MAX_ID && ID.test(given) ? given : newId();
}

/**
 * The facts of a REST request. Throws FIELD_INVALID when `x-request-timeout-ms` is not a whole number of at least 1.
 *
 * @param spoken How a caller of MLflow's speaks.
 */
export function arrive(
  inbound: Inbound,
  protocol: string,
  dialect: Dialect,
  spoken: Pick<Arrival, "legacy" | "era"> = PLAIN,
): Arrival {
  // All have the same members in the same order, so that V8 knows them as one kind of object.
  return {
    id: inbound.id,
    protocol,
    dialect,
    headers: inbound.headers,
    remote: inbound.remote,
    principal: inbound.principal,
    started: inbound.started,
    timeoutMs: timeoutOf(inbound.headers),
    legacy: spoken.legacy,
    era: spoken.era,
  };
}

const PLAIN: Pick<Arrival, "legacy" | "era"> = {};

function timeoutOf(headers: HeaderMap): number | undefined {
  const text = header(headers, "x-request-timeout-ms");
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new GatewayError("x-request-timeout-ms must be a whole number of milliseconds, at least 1.", {
    reason: "FIELD_INVALID",
    param: "x-request-timeout-ms",
  });
}
