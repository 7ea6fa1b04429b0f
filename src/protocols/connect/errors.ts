import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import type { Call } from "../../core/call.ts";
import { asGatewayError, errors, GatewayError, type Violation } from "../../core/errors.ts";

/** What the constructor of `ConnectError` takes. */
type Details = NonNullable<ConstructorParameters<typeof ConnectError>[3]>;

/** `domain` of every `google.rpc.ErrorInfo`. */
export const DOMAIN = "polygate";
/** gRPC sends an error in trailers, and clients refuse trailers over 8 KiB: a text there is up to three times its bytes. */
const MAX_MESSAGE_BYTES = 1000;
const MAX_VIOLATION_BYTES = 2000;

/** What is told of a failure, whatever the form. */
export interface Told {
  readonly message: string;
  /** `metadata` of `google.rpc.ErrorInfo`. */
  readonly facts: Readonly<Record<string, string>>;
  readonly retry: { readonly seconds: number; readonly nanos: number } | undefined;
  /** Headers that say what to do. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What a caller may know of a failure: the reason and the facts, the request id among them. Never its cause. */
export function toldOf(error: GatewayError, id: string, call: Call | undefined): Told {
  const { fault } = error;
  const headers: [string, string][] = [];
  if (fault.retryAfterMs !== undefined) headers.push(["retry-after", String(Math.ceil(fault.retryAfterMs / 1000))]);
  if (fault.reason === "CALLER_UNKNOWN") headers.push(["www-authenticate", "Bearer"]);
  return {
    message: cut(error.message, MAX_MESSAGE_BYTES),
    facts: factsOf(error, id, call),
    retry: fault.retryAfterMs === undefined ? undefined : duration(fault.retryAfterMs),
    headers,
  };
}

/**
 * A failure as Connect, gRPC and gRPC-web tell it: the code of the error table, `google.rpc.ErrorInfo` with the reason and
 * the facts, `RetryInfo` and `BadRequest` where they apply.
 */
export function connectError(error: GatewayError, id: string, call: Call | undefined): ConnectError {
  const { fault, row } = error;
  const { message, facts, retry, headers } = toldOf(error, id, call);
  const details: Details = [
    { desc: ErrorInfoSchema, value: { reason: fault.reason, domain: DOMAIN, metadata: facts } },
  ];
  if (retry) {
    const retryDelay = { seconds: BigInt(retry.seconds), nanos: retry.nanos };
    details.push({ desc: RetryInfoSchema, value: { retryDelay } });
  }
  if (fault.violations) {
    details.push({ desc: BadRequestSchema, value: { fieldViolations: short(fault.violations) } });
  }
  return new ConnectError(message, row.grpc as Code, Object.fromEntries(headers), details);
}

/** Whatever ended a call as a `GatewayError`; an error of Connect's own keeps its words and gets a reason. */
export function fromThrown(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError || !(thrown instanceof ConnectError)) return asGatewayError(thrown);
  const words = `${thrown.rawMessage.charAt(0).toUpperCase()}${thrown.rawMessage.slice(1)}.`;
  switch (thrown.code) {
    case Code.Canceled:
      return errors.callerGone();
    case Code.DeadlineExceeded:
      return errors.deadline("The caller's deadline passed before the answer was complete.", "caller");
    case Code.ResourceExhausted:
      return new GatewayError(words, { reason: "BODY_TOO_LARGE" });
    case Code.Unimplemented:
      return errors.operationUnsupported(words);
    default:
      // Connect calls bytes that are not a message its own internal error; they are the caller's.
      return errors.bodyMalformed(words);
  }
}

function factsOf({ fault }: GatewayError, id: string, call: Call | undefined): Record<string, string> {
  const facts: Record<string, string> = { request_id: id };
  const add = (name: string, value: string | number | undefined) => {
    if (value !== undefined) facts[name] = String(value);
  };
  add("route", call?.plan.route);
  add("revision", call?.plan.revision);
  if (call?.target) {
    add("provider", call.target.provider);
    add("model", call.target.model);
    add("target", call.target.index);
    add("attempt", call.attempt);
  }
  add("param", fault.param);
  add("limit", fault.limit);
  add("quota", fault.quota);
  add("upstream_status", fault.upstreamStatus);
  add("upstream_type", fault.type);
  add("upstream_code", fault.code ?? undefined);
  add("upstream_request_id", fault.upstreamRequestId);
  for (const name in facts) facts[name] = cut(facts[name]!, 200);
  return facts;
}

function short(violations: readonly Violation[]): Violation[] {
  const kept: Violation[] = [];
  let left = MAX_VIOLATION_BYTES;
  for (const { field, description } of violations) {
    const one = { field: cut(field, 300), description: cut(description, 500) };
    left -= Buffer.byteLength(one.field) + Buffer.byteLength(one.description);
    if (left < 0) break;
    kept.push(one);
  }
  return kept;
}

/** At most `most` bytes of UTF-8, whole characters, none of them half of a pair: those cannot be sent. */
function cut(text: string, most: number): string {
  const whole = text.toWellFormed();
  // A character is three bytes at most.
  if (whole.length * 3 <= most) return whole;
  const bytes = Buffer.from(whole);
  if (bytes.length <= most) return whole;
  let end = most - 3;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end)}...`;
}

function duration(ms: number): { seconds: number; nanos: number } {
  const whole = Math.ceil(ms);
  return { seconds: Math.floor(whole / 1000), nanos: (whole % 1000) * 1_000_000 };
}
