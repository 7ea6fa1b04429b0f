import type { GatewayError } from "../../core/errors.ts";
import { MlflowRefusal } from "./issue.ts";

/** `{"detail": ...}`: MLflow's own words where it has some, else the error's sentence. Its limiter has a form of its own. */
export function mlflowError(error: GatewayError): string {
  const { quota } = error.fault;
  if (quota !== undefined) return JSON.stringify({ error: `Rate limit exceeded: ${quota}` });
  return JSON.stringify({ detail: error instanceof MlflowRefusal ? error.detail : error.message });
}

/**
 * The status of a failure on MLflow's paths: a broken request is 422, and a provider's failure keeps its status, as in
 * MLflow. But a provider's 401 or 403 is about the gateway's key and never the caller's: it stays 502.
 */
export function mlflowStatus({ http, fault }: GatewayError): number {
  const { reason, upstreamStatus } = fault;
  if (reason === "FIELD_INVALID" || reason === "BODY_MALFORMED") return fault.http ?? 422;
  if (reason === "UPSTREAM_FAILED" && upstreamStatus !== undefined && upstreamStatus >= 500) return upstreamStatus;
  return http;
}
