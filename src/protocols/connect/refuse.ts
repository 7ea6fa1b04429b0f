import { type ConnectError, createConnectRouter, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { errors, GatewayError } from "../../core/errors.ts";
import type { Inbound } from "../../core/protocol.ts";
import { bodyOf } from "./body.ts";
import { formOf } from "./direct/form.ts";
import { connectError } from "./errors.ts";
import { type Speech, speechOf } from "./headers.ts";
import { refusePlainly } from "./plain-refusal.ts";
import { writeWhole } from "./write.ts";

const REFUSAL = createContextKey<ConnectError | undefined>(undefined);

/** Handlers whose gate refuses every call, so that a refusal has the very form that the method's own would have. */
const [unary, streaming] = createConnectRouter({
  requestGate: ({ values }) => {
    throw values.get(REFUSAL);
  },
}).service(Health, {}).handlers as [UniversalHandler, UniversalHandler];

/**
 * Refuses a call before its method ran, in the protocol that its content type says; Connect's JSON when that is none.
 *
 * @param bare Without reason and details.
 */
export function refuse(inbound: Inbound, error: GatewayError, bare = false): void {
  inbound.error ??= error;
  const form = bare || error.fault.allow !== undefined ? undefined : formOf(inbound.headers);
  const speaks = form !== undefined && (form.protocol !== "grpc" || inbound.http2);
  if (speaks) {
    inbound.protocol = form.protocol;
    try {
      if (refusePlainly(inbound, form, error, error.fault.http)) return;
    } catch {
      inbound.reset();
      return;
    }
  }
  tell(inbound, error, bare).catch(() => inbound.reset());
}

async function tell(inbound: Inbound, error: GatewayError, bare: boolean): Promise<void> {
  const speech = speechOf(inbound.headers);
  inbound.protocol = speech.protocol;
  if (speech.protocol === "grpc" && !inbound.http2) {
    inbound.send(505, ["connection", "close"], "");
    return;
  }
  const { allow } = error.fault;
  if (allow !== undefined && speech.protocol === "connect") {
    // Connect has no code for a method that is not taken: its clients read the status.
    inbound.send(error.http, ["content-type", "text/plain; charset=utf-8", "allow", allow], error.message);
    return;
  }
  const type = typeOf(speech);
  const told = connectError(error, inbound.id, inbound.call);
  if (bare) told.details = [];
  const response = await (type.includes("connect+") ? streaming : unary)({
    httpVersion: inbound.http2 ? "2.0" : "1.1",
    method: "POST",
    url: "http://gateway/",
    header: new Headers({ "content-type": type }),
    body: bodyOf(new Uint8Array(0)),
    signal: new AbortController().signal,
    contextValues: createContextValues().set(REFUSAL, told),
  });
  const status = response.status === 200 ? 200 : (error.fault.http ?? response.status);
  await writeWhole(inbound, { ...response, status }, speech);
}

/** A refusal by the router, of a path or a method: to RPC callers both mean that the procedure does not exist. */
export function refusePath(inbound: Inbound, error: GatewayError, bare = false): void {
  const { reason, allow } = error.fault;
  const known =
    reason === "ROUTE_UNKNOWN"
      ? new GatewayError(error.message, {
          reason: "OPERATION_UNSUPPORTED",
          http: error.http,
          ...(allow !== undefined && { allow }),
        })
      : error;
  refuse(inbound, known, bare);
}

/** Connect's 415, with what would be taken. @param streams Whether the method does: its messages come in envelopes. */
export function unsupportedType({ type }: Speech, streams: boolean): GatewayError {
  const have =
    type === ""
      ? "There is no content type"
      : `The content type ${JSON.stringify(type.slice(0, 80))} is not served here`;
  const own = streams ? "application/connect+json, application/connect+proto" : "application/json, application/proto";
  const what = streams ? "to a method that streams " : "";
  return new GatewayError(`${have}; ${what}send ${own}, or a type of gRPC or gRPC-web.`, {
    ...errors.bodyMalformed("").fault,
    http: 415,
  });
}

function typeOf({ type, text, protocol }: Speech): string {
  const plain = text ? type.replace(/-text/i, "") : type;
  if (unary.supportedContentType(plain) || streaming.supportedContentType(plain)) return plain;
  return protocol === "connect" ? "application/json" : `application/${protocol}+proto`;
}
