import type { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import type { Door } from "../../core/site.ts";
import type { Caller } from "./caller.ts";
import { timeoutOf } from "./headers.ts";

/** Makes the call of an RPC. Throws what the site says of the route's name. */
export function callOf(
  { site }: Door,
  protocol: string,
  { inbound }: Caller,
  op: Operation,
  route: string,
  body: Body,
  streamed: boolean,
): Call {
  const { id, headers, remote, principal, started } = inbound;
  const arrival = { id, protocol, dialect: "proto", headers, remote, principal, started } as const;
  const call = new Call({ ...arrival, timeoutMs: timeoutOf(headers) }, site.plan(op, route), body, streamed);
  inbound.call = call;
  return call;
}

/** A request as its method means it, changed in place: the method decides about streaming, and asks for what it tells at the end. */
export function forStream(common: JsonObject, streamed: boolean): JsonObject {
  const { stream_options: options } = common;
  if (streamed) {
    common["stream"] = true;
    common["stream_options"] = { include_usage: true, ...(isObject(options) && options) };
  } else if (options !== undefined) delete common["stream_options"];
  return common;
}
