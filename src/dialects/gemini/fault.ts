import { type GatewayError, GRPC } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";

/** Canonical names of the codes, as Google's errors have them under `status`. */
const STATUS: Readonly<Record<number, string>> = {
  ...Object.fromEntries(
    Object.entries(GRPC).map(([name, code]) => [code, name.replace(/[A-Z]/g, "_$&").toUpperCase()]),
  ),
  // Spelt so in google.rpc.Code alone.
  [GRPC.canceled]: "CANCELLED",
};

/**
 * `{"error": {code, message, status, details}}`, as Google's SDKs read it. The details say the gateway's reason, which fields are
 * wrong, and when to come back.
 *
 * @see https://cloud.google.com/apis/design/errors#error_model
 */
export function googleError(error: GatewayError): JsonObject {
  const { fault, row, http, message } = error;
  const type = (name: string) => `type.googleapis.com/google.rpc.${name}`;
  const details: JsonObject[] = [
    { "@type": type("ErrorInfo"), reason: fault.reason, domain: "polygate", metadata: metadataOf(error) },
  ];
  if (fault.violations !== undefined) {
    const fieldViolations = fault.violations.map(({ field, description }) => ({ field, description }));
    details.push({ "@type": type("BadRequest"), fieldViolations });
  }
  if (fault.retryAfterMs !== undefined) {
    details.push({ "@type": type("RetryInfo"), retryDelay: `${fault.retryAfterMs / 1000}s` });
  }
  return { error: { code: http, message, status: STATUS[row.grpc] ?? "UNKNOWN", details } };
}

function metadataOf({ fault }: GatewayError): JsonObject {
  return present({
    param: fault.param,
    upstream_status: fault.upstreamStatus === undefined ? undefined : String(fault.upstreamStatus),
    upstream_request_id: fault.upstreamRequestId,
  });
}
