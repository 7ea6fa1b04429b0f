import { header } from "../core/arrival.ts";
import { GatewayError } from "../core/errors.ts";
import type { Inbound } from "../core/protocol.ts";
import type { Outcome } from "./metrics.ts";
import type { Redactor } from "./redact.ts";

/** Most characters of each text from outside. With them a line stays within 4 KiB, whatever the texts are made of. */
const MOST = { path: 200, agent: 200, id: 128, name: 100, error: 240, cause: 320, code: 60, remote: 64 } as const;

/** What else the access line says. */
export interface Facts {
  readonly outcome: Outcome;
  readonly error: GatewayError | undefined;
  /** Milliseconds. */
  readonly duration: number;
  /** Attempts that failed before the one that the call ended with. */
  readonly retried: readonly object[] | undefined;
  /** A provider's own words may quote the prompt: they are shown only where the operator asked for them. */
  readonly providerWords: boolean;
}

/**
 * The fields of the access line. No body, key, prompt, query or header goes into it but the user agent. An absent fact is an
 * absent member.
 */
export function accessLine(inbound: Inbound, facts: Facts, redactor: Redactor): object {
  const { call, method, path, headers, id } = inbound;
  const { outcome, error, duration, retried } = facts;
  const agent = header(headers, "user-agent");
  const plan = call?.plan;
  const target = call?.target;
  const usage = call?.usage;
  const fields = {
    // One of our own holds nothing to hide, and is never seen twice.
    request_id: UUID.test(id) ? id : redactor.clean(id, MOST.id),
    protocol: outcome.protocol,
    method: redactor.cleanOften(method, MOST.name),
    path: redactor.cleanOften(path, MOST.path),
    operation: plan?.op,
    route: plan && redactor.cleanOften(plan.route, MOST.name),
    provider: target?.provider,
    model: target && redactor.cleanOften(target.model, MOST.name),
    target: target?.index,
    attempt: call?.attempt,
    stream: call?.stream,
    status: outcome.status,
    duration_ms: round(duration),
    ttft_ms: call?.stream && call.firstByteAt > 0 ? round(call.firstByteAt - call.arrival.started) : undefined,
    input_tokens: usage?.promptTokens,
    output_tokens: usage?.completionTokens,
    retried,
    principal: inbound.principal === "" ? undefined : redactor.cleanOften(inbound.principal, MOST.name),
    remote: inbound.remote.slice(0, MOST.remote),
    user_agent: agent === undefined ? undefined : redactor.cleanOften(agent, MOST.agent),
  };
  return error === undefined ? fields : { ...fields, ...errorFields(error, facts.providerWords, redactor) };
}

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

function errorFields(error: GatewayError, providerWords: boolean, redactor: Redactor): object {
  const { fault, row } = error;
  const clean = (text: string | undefined, most: number) =>
    text === undefined ? undefined : redactor.clean(text, most);
  // A sentence about what a provider answered may repeat the answer; reason and status say as much.
  const theirs = fault.upstreamStatus !== undefined;
  const code = fault.code ?? fault.type;
  return {
    reason: fault.reason,
    grpc_code: row.grpc,
    error: theirs && !providerWords ? undefined : clean(error.message, MOST.error),
    cause: clean(causeOf(error, providerWords), MOST.cause),
    at: fault.reason === "INTERNAL" ? frames(error.cause) : undefined,
    limit: fault.limit,
    upstream_status: fault.upstreamStatus,
    upstream_code: theirs && code && NAME.test(code) ? clean(code, MOST.code) : undefined,
    upstream_request_id: clean(fault.upstreamRequestId, MOST.id),
  };
}

/** What a provider's code looks like when it is one. */
const NAME = /^[\w.-]{1,60}$/;

/** What lies behind an error, in one sentence; never a stack, and a provider's words only when asked for. */
function causeOf({ cause }: GatewayError, providerWords: boolean): string | undefined {
  if (typeof cause === "string") return providerWords ? cause : undefined;
  if (cause instanceof GatewayError) return cause.message;
  if (!(cause instanceof Error)) return cause === undefined ? undefined : `a thrown ${typeof cause}`;
  // V8 quotes the text that it could not read.
  if (cause instanceof SyntaxError) return providerWords ? `${cause.name}: ${cause.message}` : cause.name;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.name;
  return cause.message === "" ? code : `${code}: ${cause.message}`;
}

/** Where a defect of ours was met: its first places, without their folders. */
function frames(cause: unknown): readonly string[] | undefined {
  if (!(cause instanceof Error) || cause.stack === undefined) return undefined;
  const places = cause.stack.match(/[\w.-]+:\d+:\d+(?=\)?$)/gm);
  return places?.slice(0, 3).map((place) => place.slice(-MOST.code));
}

/** To a hundredth of a millisecond. */
function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
