import { type ConnectError, createConnectRouter, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import { errors, GatewayError } from "../../core/errors.ts";
import type { Inbound } from "../../core/protocol.ts";
import { bodyOf } from "./body.ts";
import { connectError } from "./errors.ts";
import { type Speech, speechOf } from "./headers.ts";
import { write } from "./write.ts";

const REFUSAL = createContextKey<ConnectError | undefined>(undefined);

/** Handlers whose gate refuses every call, so that a refusal has the very form that the method's own would have. */
const [unary, streaming] = createConnectRouter({
  requestGate: ({ values }) => {
    throw values.get(REFUSAL);
  },
}).service(Health, {}).handlers as [UniversalHandler, UniversalHandler];

/** Refuses a call before its method ran, in the protocol that its content type says; Connect's JSON when that is none. */
export async function refuse(inbound: Inbound, error: GatewayError): Promise<void> {
  inbound.error ??= error;
  const speech = speechOf(inbound.headers);
  inbound.protocol = speech.protocol;
  inbound.protocol = speech.protocol;
  if (speech.protocol === "grpc" && !inbound.http2) {
    inbound.send(505, ["connection", "close"], "");
    return;
  }
  const type = typeOf(speech);
  const told = connectError(error, inbound.id, inbound.call);
  const response = await (type.includes("connect+") ? streaming : unary)({
    httpVersion: inbound.http2 ? "2.0" : "1.1",
    method: "POST",
    url: "http://gateway/",
    header: new Headers({ "content-type": type }),
    body: bodyOf(new Uint8Array(0)),
    signal: new AbortController().signal,
    contextValues: createContextValues().set(REFUSAL, told),
  });
  if (error.fault.allow !== undefined) response.header?.set("allow", error.fault.allow);
  const status = response.status === 200 ? 200 : (error.fault.http ?? response.status);
  await write(inbound, { ...response, status }, speech);
}

/** A refusal by the router, of a path or a method: to RPC callers both mean that the procedure does not exist. */
export function refusePath(inbound: Inbound, error: GatewayError): void {
  const { reason, allow } = error.fault;
  const known =
    reason === "ROUTE_UNKNOWN"
      ? new GatewayError(error.message, {
          reason: "OPERATION_UNSUPPORTED",
          http: error.http,
          ...(allow !== undefined && { allow }),
        })
      : error;
  void refuse(inbound, known);
}

/** Connect's 415, with what would be taken. */
export function unsupportedType({ type }: Speech): GatewayError {
  const have =
    type === ""
      ? "There is no content type"
      : `The content type ${JSON.stringify(type.slice(0, 80))} is not served here`;
  return new GatewayError(`${have}; send application/json, application/proto, or a type of gRPC or gRPC-web.`, {
    ...errors.bodyMalformed("").fault,
    http: 415,
  });
}

function typeOf({ type, text, protocol }: Speech): string {
  const plain = text ? type.replace(/-text/i, "") : type;
  if (unary.supportedContentType(plain) || streaming.supportedContentType(plain)) return plain;
  return protocol === "connect" ? "application/json" : `application/${protocol}+proto`;
}
