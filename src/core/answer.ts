import { Body } from "./body.ts";
import type { Call, Operation, Usage } from "./call.ts";
import { asGatewayError, errors, type GatewayError } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { ReplyHeaders, Upstream } from "./provider.ts";
import { skipValue } from "./survey.ts";

/**
 * A provider's whole reply as the Body to send, after the route's reply steps; notes the call's usage.
 * Throws the provider's fault when an error hides under a 200, UPSTREAM_FAILED when the bytes are not one JSON object.
 *
 * @param parsed Whether the sink will read it parsed; else it is not parsed here either, unless a step wants it.
 */
export function checkedReply(call: Call, bytes: Buffer, status: number, headers: ReplyHeaders, parsed: boolean): Body {
  const { upstream } = call.target!;
  const { reply, op } = call.plan;
  if (upstream.reads?.[op] !== undefined) return translatedReply(call, bytes, status, headers);
  const body = Body.ofReply(bytes);
  let json: JsonObject | undefined;
  try {
    // Searched for by the byte, which is native: a long reply is not walked through for what it does not hold.
    if (!isWhole(bytes) || !bytes.includes(ANSWERS[op]))
      throw whatInstead(body, () => upstream.fault(status, headers, bytes));
    if (bytes.includes(ERROR) && isError(body)) throw upstream.fault(status, headers, bytes);
    call.usage = usageIn(bytes, upstream.usage);
    if (reply.length > 0 || parsed) json = body.json;
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
  let json = upstream.reads![op]!.reply(call, said);
  call.usage = upstream.usage(json);
  for (const step of reply) json = step(call, json);
  return Body.ofJson(json);
}

const ERROR = Buffer.from('"error"');
const USAGE = Buffer.from('"usage"');
/** The member that makes a reply an answer. */
const ANSWERS = {
  chat: Buffer.from('"choices"'),
  completions: Buffer.from('"choices"'),
  embeddings: Buffer.from('"data"'),
} satisfies Record<Operation, Buffer>;

/** Whether the bytes begin and end as one object does. */
function isWhole(bytes: Buffer): boolean {
  let first = 0;
  let last = bytes.length - 1;
  while (first < last && bytes[first]! <= 0x20) first++;
  while (last > first && bytes[last]! <= 0x20) last--;
  return last > first && bytes[first] === 0x7b && bytes[last] === 0x7d;
}

function isError(body: Body): boolean {
  const error = body.peek("error");
  return error !== undefined && error !== null;
}

/** A reply without an answer in it: the error that it is, or none that we know. */
function whatInstead(body: Body, fault: () => GatewayError): GatewayError {
  return isError(body) ? fault() : errors.bodyMalformed("no answer");
}

/** The usage of a whole reply. It is the last member of that name, as a rule one of the last of all. */
function usageIn(bytes: Buffer, read: Upstream["usage"]): Usage | undefined {
  const at = bytes.lastIndexOf(USAGE);
  if (at < 0) return undefined;
  let from = at + USAGE.length;
  while (bytes[from] === 0x3a || bytes[from]! <= 0x20) from++;
  const end = bytes[from] === 0x7b ? skipValue(bytes, from, 8) : -1;
  if (end < 0) return undefined;
  try {
    return read({ usage: JSON.parse(bytes.toString("utf8", from, end)) as JsonObject });
  } catch {
    return undefined;
  }
}

/** Whether these are the headers of a stream of this media type. */
export function isStream(headers: ReplyHeaders, mediaType = "text/event-stream"): boolean {
  const type = headers["content-type"];
  return typeof type === "string" && type.toLowerCase().startsWith(mediaType);
}

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
