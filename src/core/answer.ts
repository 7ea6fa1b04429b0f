import { Body } from "./body.ts";
import type { Call, Generation, Usage } from "./call.ts";
import { asGatewayError, errors, type GatewayError } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { ReplyHeaders, Upstream } from "./provider.ts";
import { includesQuoted } from "./skip.ts";
import { hasMember, type Member, skipValue } from "./survey.ts";

/**
 * A provider's whole reply as the Body to send, after the route's reply steps; notes the call's usage.
 * Throws the provider's fault when an error hides under a 200, UPSTREAM_FAILED when the bytes are not one JSON object.
 *
 * @param parsed Whether the sink will read it parsed; else it is not parsed here either, unless a step wants it.
 * @param members What it has at its top, where somebody knows that already.
 */
export function checkedReply(
  call: Call,
  bytes: Buffer,
  status: number,
  headers: ReplyHeaders,
  parsed: boolean,
  members?: readonly Member[],
): Body {
  const { upstream } = call.target!;
  const { reply, op } = call.plan;
  if (op === "predictions") return predicted(call, bytes);
  if (upstream.reads?.[op] !== undefined) return translatedReply(call, bytes, status, headers);
  const body = Body.ofReply(bytes);
  const fault = () => upstream.fault(status, headers, bytes);
  let json: JsonObject | undefined;
  try {
    if (parsed || reply.length > 0) {
      json = body.json;
      if (isErrorEvent(json)) throw fault();
      if (json[ANSWERS[op].name] === undefined) throw errors.bodyMalformed("no answer");
      call.usage = usageOf(json, upstream);
    } else {
      if (members === undefined) {
        // Searched for by the byte: a long reply is not walked through for what it does not hold.
        if (!isWhole(bytes) || !isAnswer(bytes, ANSWERS[op].bytes)) throw whatInstead(body, fault);
        if (includesQuoted(bytes, ERROR) && isError(body)) throw fault();
        call.usage = usageIn(bytes, upstream);
      } else {
        if (isErrorAmong(members, bytes)) throw fault();
        if (!hasMember(members, ANSWERS[op].name)) throw errors.bodyMalformed("no answer");
        call.usage = usageAmong(members, bytes, upstream);
      }
    }
  } catch (thrown) {
    const error = asGatewayError(thrown);
    throw error.fault.reason === "BODY_MALFORMED"
      ? errors.upstreamFailed("The provider's answer is not the JSON that it should be.", error)
      : error;
  }
  if (json === undefined || reply.length === 0) return body;
  for (const step of reply) json = step(call, json);
  return Body.ofJson(json);
}

/** A reply in a provider's own words, in the common shape. */
function translatedReply(call: Call, bytes: Buffer, status: number, headers: ReplyHeaders): Body {
  const { upstream } = call.target!;
  const { reply, op } = call.plan;
  let said: Readonly<JsonObject>;
  try {
    said = Body.ofReply(bytes).json;
  } catch (thrown) {
    throw errors.upstreamFailed("The provider's answer is not the JSON that it should be.", thrown);
  }
  if (isErrorEvent(said)) throw upstream.fault(status, headers, bytes);
  let json = upstream.reads![op]!.reply(call, said, headers);
  call.usage = upstream.usage(json);
  for (const step of reply) json = step(call, json);
  return Body.ofJson(json);
}

const ERROR = Buffer.from('"error"');
const USAGE = Buffer.from('"usage"');
/** The member that makes a reply an answer. */
const ANSWERS = {
  chat: member("choices"),
  completions: member("choices"),
  embeddings: member("data"),
} satisfies Record<Generation, unknown>;

/**
 * A model server's reply: whatever JSON it is, NaN and all, it is sent on as it came. Throws UPSTREAM_FAILED when it is none by its
 * ends, as an error page.
 */
function predicted(call: Call, bytes: Buffer): Body {
  const { reply } = call.plan;
  const text = bytes.subarray(0, 64).toString("latin1").trimStart();
  if (bytes.length === 0 || !/^[[{"\d-]/.test(text)) {
    throw errors.upstreamFailed("The model server's answer is not JSON.");
  }
  const body = Body.ofReply(bytes);
  if (reply.length === 0) return body;
  let json: JsonObject = body.json;
  for (const step of reply) json = step(call, json);
  return Body.ofJson(json);
}

function member(name: string) {
  return { name, bytes: Buffer.from(JSON.stringify(name)) };
}

/** Whether the bytes begin and end as one object does. */
function isWhole(bytes: Buffer): boolean {
  let first = 0;
  let last = bytes.length - 1;
  while (first < last && bytes[first]! <= 0x20) first++;
  while (last > first && bytes[last]! <= 0x20) last--;
  return last > first && bytes[first] === 0x7b && bytes[last] === 0x7d;
}

/** Whether the member `error` is there, and no null. */
function isErrorAmong(members: readonly Member[], bytes: Buffer): boolean {
  for (const { key, start, end } of members) {
    if (key === "error") return end - start !== NULL.length || bytes.compare(NULL, 0, NULL.length, start, end) !== 0;
  }
  return false;
}

const NULL = Buffer.from("null");

/** How far from the start of a reply its answer begins, as a rule; beyond it the whole has to be made ready for the search. */
const HEAD_BYTES = 256;

function isAnswer(bytes: Buffer, quoted: Buffer): boolean {
  return bytes.subarray(0, HEAD_BYTES).includes(quoted) || includesQuoted(bytes, quoted);
}

function isError(body: Body): boolean {
  const error = body.peek("error");
  return error !== undefined && error !== null;
}

/** A reply without an answer in it: the error that it is, or none that we know. */
function whatInstead(body: Body, fault: () => GatewayError): GatewayError {
  return isError(body) ? fault() : errors.bodyMalformed("no answer");
}

/** How long the rest of a reply from its usage on may be to be parsed at once. */
const TAIL_BYTES = 1024;

function usageOf(json: JsonObject, upstream: Upstream): Usage | undefined {
  try {
    return upstream.usage(json);
  } catch {
    return undefined;
  }
}

/** The usage that a whole reply tells at its top; else any that it tells. */
function usageAmong(members: readonly Member[], bytes: Buffer, upstream: Upstream): Usage | undefined {
  for (const { key, start, end } of members) {
    if (key !== "usage") continue;
    try {
      return upstream.usage({ usage: JSON.parse(bytes.toString("utf8", start, end)) as JsonObject });
    } catch {
      return undefined;
    }
  }
  return usageIn(bytes, upstream);
}

/** The usage of a whole reply. It is the last member of that name, as a rule one of the last of all. */
function usageIn(bytes: Buffer, upstream: Upstream): Usage | undefined {
  const at = bytes.lastIndexOf(USAGE);
  if (at < 0) return undefined;
  try {
    const json = tailFrom(bytes, at) ?? usageAlone(bytes, at + USAGE.length);
    return json && upstream.usage(json);
  } catch {
    return undefined;
  }
}

/** The reply's last members, from the one that begins at `at`: with a brace before it, the rest of the reply is an object. */
function tailFrom(bytes: Buffer, at: number): JsonObject | undefined {
  if (bytes.length - at > TAIL_BYTES) return undefined;
  try {
    return JSON.parse(`{${bytes.toString("utf8", at)}`) as JsonObject;
  } catch {
    // It stands deeper.
    return undefined;
  }
}

function usageAlone(bytes: Buffer, at: number): JsonObject | undefined {
  let from = at;
  while (bytes[from] === 0x3a || bytes[from]! <= 0x20) from++;
  const end = bytes[from] === 0x7b ? skipValue(bytes, from, 8) : -1;
  return end < 0 ? undefined : { usage: JSON.parse(bytes.toString("utf8", from, end)) as JsonObject };
}

/** Whether these are the headers of a stream, of this media type or of server-sent events. */
export function isStream(headers: ReplyHeaders, mediaType = EVENTS): boolean {
  const type = headers["content-type"];
  if (typeof type !== "string") return false;
  const told = type.toLowerCase();
  return told.startsWith(mediaType) || told.startsWith(EVENTS);
}

const EVENTS = "text/event-stream";

/** Whether a stream's event tells the usage and nothing else. */
export function isUsageAlone({ choices, usage }: JsonObject): boolean {
  return Array.isArray(choices) && choices.length === 0 && isObject(usage);
}

/** Whether a stream's event is an error in place of a piece of the answer. */
export function isErrorEvent(json: JsonObject): boolean {
  const { error } = json;
  return error !== undefined && error !== null;
}

/** Whether some choice of a stream's event has its finish reason. */
export function hasFinish(json: JsonObject): boolean {
  const { choices } = json;
  if (!Array.isArray(choices)) return false;
  for (const choice of choices) if (isObject(choice) && typeof choice["finish_reason"] === "string") return true;
  return false;
}
