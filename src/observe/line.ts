import { header } from "../core/arrival.ts";
import type { Call } from "../core/call.ts";
import { GatewayError } from "../core/errors.ts";
import type { Plan, Target } from "../core/plan.ts";
import type { Seen } from "../core/protocol.ts";
import type { Outcome } from "./outcomes.ts";
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
 * The members of the access line as JSON text, without braces. No body, key, prompt, query or header goes into it but the user
 * agent. An absent fact is an absent member. Put together by hand, for a logger that takes any object needs three times as long.
 */
export function accessLine(inbound: Seen, facts: Facts, redactor: Redactor): string {
  const { call, method, path, headers, id, principal } = inbound;
  const { outcome, error, retried } = facts;
  const agent = header(headers, "user-agent");
  // An id of our own holds nothing to hide, and is never seen twice.
  let text = UUID.test(id) ? `"request_id":"${id}"` : `"request_id":${redactor.json(id, MOST.id)}`;
  text += `,"protocol":"${outcome.protocol}","method":${redactor.jsonOften(method, MOST.name)}`;
  text += `,"path":${redactor.jsonOften(path, MOST.path)}`;
  if (call !== undefined) {
    text += aboutPlan(call.plan, redactor);
    if (call.target !== undefined) text += aboutTarget(call.target, redactor);
    text += `,"attempt":${call.attempt},"stream":${call.stream}`;
  }
  text += `,"status":${outcome.status},"duration_ms":${round(facts.duration)}`;
  if (call !== undefined) text += progress(call);
  if (retried !== undefined) text += `,"retried":${JSON.stringify(retried)}`;
  if (principal.name !== "") text += `,"principal":${redactor.jsonOften(principal.name, MOST.name)}`;
  if (principal.keyId !== "") text += `,"key":${redactor.jsonOften(principal.keyId, MOST.id)}`;
  text += `,"remote":${JSON.stringify(inbound.remote.slice(0, MOST.remote))}`;
  if (agent !== undefined) text += `,"user_agent":${redactor.jsonOften(agent, MOST.agent)}`;
  return error === undefined ? text : text + errorFields(error, facts.providerWords, redactor);
}

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

function aboutPlan({ op, route, revision }: Plan, redactor: Redactor): string {
  return `,"operation":"${op}","route":${redactor.jsonOften(route, MOST.name)},"revision":${revision}`;
}

function aboutTarget({ provider, model, index }: Target, redactor: Redactor): string {
  return `,"provider":${redactor.jsonOften(provider, MOST.name)},"model":${redactor.jsonOften(model, MOST.name)},"target":${index}`;
}

/** How far a call came. */
function progress({ stream, firstByteAt, arrival, usage }: Call): string {
  let text = stream && firstByteAt > 0 ? `,"ttft_ms":${round(firstByteAt - arrival.started)}` : "";
  if (usage?.promptTokens !== undefined) text += `,"input_tokens":${usage.promptTokens}`;
  if (usage?.completionTokens !== undefined) text += `,"output_tokens":${usage.completionTokens}`;
  return text;
}

function errorFields(error: GatewayError, providerWords: boolean, redactor: Redactor): string {
  const { fault, row } = error;
  const { reason, limit, upstreamStatus } = fault;
  // A sentence about what a provider answered may repeat the answer; reason and status say as much.
  const theirs = upstreamStatus !== undefined;
  const code = fault.code ?? fault.type;
  let text = `,"reason":"${reason}","grpc_code":${row.grpc}`;
  if (!theirs) text += `,"error":${redactor.jsonOften(error.message, MOST.error)}`;
  else if (providerWords) text += `,"error":${redactor.json(error.message, MOST.error)}`;
  const cause = causeOf(error, providerWords);
  if (cause !== undefined) text += `,"cause":${redactor.json(cause, MOST.cause)}`;
  const at = reason === "INTERNAL" ? frames(error.cause) : undefined;
  if (at !== undefined) text += `,"at":${JSON.stringify(at)}`;
  if (limit !== undefined) text += `,"limit":"${limit}"`;
  if (theirs) text += `,"upstream_status":${upstreamStatus}`;
  if (theirs && code && NAME.test(code)) text += `,"upstream_code":${redactor.json(code, MOST.code)}`;
  const { upstreamRequestId } = fault;
  if (upstreamRequestId !== undefined) text += `,"upstream_request_id":${redactor.json(upstreamRequestId, MOST.id)}`;
  return text;
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
