import type { GatewayError, Reason } from "../../core/errors.ts";

/**
 * MLflow's names of what went wrong.
 * @see https://github.com/mlflow/mlflow/blob/master/mlflow/protos/databricks.proto
 */
const CODES: Readonly<Record<Reason, string>> = {
  BODY_MALFORMED: "MALFORMED_REQUEST",
  FIELD_INVALID: "BAD_REQUEST",
  BODY_TOO_LARGE: "BAD_REQUEST",
  CALLER_UNKNOWN: "UNAUTHENTICATED",
  CALLER_FORBIDDEN: "PERMISSION_DENIED",
  ROUTE_UNKNOWN: "RESOURCE_DOES_NOT_EXIST",
  OPERATION_UNSUPPORTED: "NOT_IMPLEMENTED",
  STALE_ETAG: "RESOURCE_CONFLICT",
  RATE_EXCEEDED: "REQUEST_LIMIT_EXCEEDED",
  BUDGET_SPENT: "QUOTA_EXCEEDED",
  GUARDRAIL_DENIED: "BAD_REQUEST",
  UPSTREAM_REJECTED: "BAD_REQUEST",
  UPSTREAM_CREDENTIALS: "TEMPORARILY_UNAVAILABLE",
  UPSTREAM_BUSY: "REQUEST_LIMIT_EXCEEDED",
  UPSTREAM_FAILED: "INTERNAL_ERROR",
  UPSTREAM_UNREACHABLE: "TEMPORARILY_UNAVAILABLE",
  DEADLINE_PASSED: "DEADLINE_EXCEEDED",
  SHUTTING_DOWN: "TEMPORARILY_UNAVAILABLE",
  CALLER_GONE: "CANCELLED",
  INTERNAL: "INTERNAL_ERROR",
  OVERLOADED: "TEMPORARILY_UNAVAILABLE",
  RESOURCE_UNKNOWN: "RESOURCE_DOES_NOT_EXIST",
  RESOURCE_EXISTS: "RESOURCE_ALREADY_EXISTS",
  RESOURCE_OWNED: "INVALID_STATE",
  STORE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
};

/** `{"error_code": ..., "message": ...}`, as MLflow's servers say it; the code is the model server's own where it gave one. */
export function scoringError(error: GatewayError): string {
  const { reason, code } = error.fault;
  const own = reason === "UPSTREAM_REJECTED" && typeof code === "string" ? code : undefined;
  return JSON.stringify({ error_code: own ?? CODES[reason], message: error.message });
}
