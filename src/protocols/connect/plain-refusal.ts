import type { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Inbound } from "../../core/protocol.ts";
import { replyWriter } from "../../dialects/proto/straight/straight.ts";
import { SIZED, Writer } from "../../dialects/proto/straight/wire.ts";
import type { Form } from "./direct/form.ts";
import { DOMAIN, type Told, toldOf } from "./errors.ts";

const errorInfo = replyWriter(ErrorInfoSchema);
const retryInfo = replyWriter(RetryInfoSchema);
const writer = new Writer();

/** One of `google.rpc`'s details, as its type, its bytes and its JSON. */
type Detail = readonly [type: string, bytes: Buffer, debug: JsonObject];

/**
 * Tells a failure before which nothing was told, in gRPC's form or Connect's for unary methods, byte for byte as Connect's own
 * handlers would. They need six times as long, and who is refused most is who asks most.
 *
 * @param http Status in Connect's form; `undefined`: the one of the code.
 * @returns False: it has another form, or names fields, and nothing was told.
 */
export function refusePlainly(inbound: Inbound, form: Form | undefined, error: GatewayError, http?: number): boolean {
  const connect = form?.protocol === "connect" && !form.enveloped;
  if (form === undefined || error.fault.violations || (!connect && form.protocol !== "grpc")) return false;
  const told = toldOf(error, inbound.id, inbound.call);
  const details = detailsOf(error, told);
  if (details === undefined) return false;
  const headers = ["content-type", connect ? "application/json" : form.type];
  for (const [name, value] of told.headers) headers.push(name, value);
  if (connect) {
    inbound.send(http ?? STATUS[error.row.grpc]!, headers, JSON.stringify(jsonOf(error, told, details)));
    return true;
  }
  headers.push("grpc-status", String(error.row.grpc), "grpc-message", encodeURIComponent(told.message));
  headers.push("grpc-status-details-bin", base64(statusOf(error, told, details)));
  inbound.send(200, headers, "");
  return true;
}

/** HTTP's status of a gRPC code, by Connect's table. */
const STATUS: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

function detailsOf({ fault }: GatewayError, { facts, retry }: Told): readonly Detail[] | undefined {
  const info = { reason: fault.reason, domain: DOMAIN, metadata: facts };
  const bytes = errorInfo.binary(info, undefined, 0);
  if (bytes === undefined) return undefined;
  const first: Detail = [ErrorInfoSchema.typeName, bytes, info];
  if (retry === undefined) return [first];
  const again = retryInfo.binary({ retry_delay: retry }, undefined, 0);
  if (again === undefined) return undefined;
  const { seconds, nanos } = retry;
  const delay = nanos === 0 ? `${seconds}s` : `${seconds}.${String(nanos / 1_000_000).padStart(3, "0")}s`;
  return [first, [RetryInfoSchema.typeName, again, { retryDelay: delay }]];
}

function jsonOf({ row }: GatewayError, { message }: Told, details: readonly Detail[]): object {
  const all = details.map(([type, bytes, debug]) => ({ type, debug, value: base64(bytes) }));
  return { code: codeToString(row.grpc as Code), message, details: all };
}

/** `google.rpc.Status` */
function statusOf({ row }: GatewayError, { message }: Told, details: readonly Detail[]): Buffer {
  writer.clear();
  for (const [type, bytes] of details.toReversed()) {
    const since = writer.length;
    writer.raw(bytes);
    writer.varint(16 + SIZED);
    writer.text(`type.googleapis.com/${type}`);
    writer.varint(8 + SIZED);
    writer.sized(since);
    writer.varint(24 + SIZED);
  }
  writer.text(message);
  writer.varint(16 + SIZED);
  writer.varint(row.grpc);
  writer.varint(8);
  return writer.take(0);
}

/** Without padding, as binary headers and details have it. */
function base64(bytes: Buffer): string {
  const text = bytes.toString("base64");
  const end = text.indexOf("=", text.length - 2);
  return end < 0 ? text : text.slice(0, end);
}
