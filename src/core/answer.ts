import { Body } from "./body.ts";
import type { Call } from "./call.ts";
import { asGatewayError, errors } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { ReplyHeaders } from "./provider.ts";

/**
 * A provider's whole reply as the Body to send, after the route's reply steps; notes the call's usage.
 * Throws the provider's fault when an error hides under a 200, UPSTREAM_FAILED when the bytes are not one JSON object.
 *
 * @param parsed Whether the sink will read it parsed; else it is not parsed here either, unless a step wants it.
 */
export function checkedReply(call: Call, bytes: Buffer, status: number, headers: ReplyHeaders, parsed: boolean): Body {
  const { upstream } = call.target!;
  const { reply } = call.plan;
  const body = Body.ofBytes(bytes);
  let json: JsonObject | undefined;
  try {
    const error = body.peek("error");
    if (error !== undefined && error !== null) throw upstream.fault(status, headers, bytes);
    if (!body.keys().includes(call.plan.op === "embeddings" ? "data" : "choices"))
      throw errors.bodyMalformed("no answer");
    const usage = body.peek("usage");
    if (isObject(usage)) call.usage = upstream.usage({ usage });
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

/** Whether these are the headers of server-sent events. */
export function isEventStream(headers: ReplyHeaders): boolean {
  const type = headers["content-type"];
  return typeof type === "string" && type.toLowerCase().startsWith("text/event-stream");
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
