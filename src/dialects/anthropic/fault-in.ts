import { clip, type Fault, GatewayError } from "../../core/errors.ts";
import { isObject, parsedObject } from "../../core/json.ts";
import type { ReplyHeaders } from "../../core/provider.ts";
import { openAIFault } from "../openai/fault.ts";

/** Types of errors, and the status that the API answers with. https://docs.claude.com/en/api/errors */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/**
 * A refusal by a server that speaks the Messages API, by the error table. An error within a stream or under a 2xx has no status
 * of its own: its type says which it is. Overloaded is busy, as over a rate limit: to be tried again, or elsewhere.
 */
export function anthropicFault(
  provider: string,
  status: number,
  headers: ReplyHeaders,
  body: Buffer,
  secrets: readonly string[] = [],
): GatewayError {
  const json = parsedObject(body.toString("utf8"));
  const error = isObject(json?.["error"]) ? json["error"] : undefined;
  const type = typeof error?.["type"] === "string" ? error["type"] : undefined;
  const hidden = status >= 200 && status <= 299;
  const named = hidden ? (STATUS[type ?? ""] ?? 500) : status;
  const made = openAIFault(provider, named === 529 ? 429 : named, headers, body, secrets);
  const fault: { -readonly [key in keyof Fault]: Fault[key] } = { ...made.fault, upstreamStatus: status };
  const id = json?.["request_id"];
  if (fault.upstreamRequestId === undefined && typeof id === "string") fault.upstreamRequestId = clip(id, 128);
  // The account behind the gateway's key is the operator's: no caller can pay for it.
  if (named !== 402) return new GatewayError(made.message, fault, made.cause);
  const { http: _h, type: _t, code: _c, ...rest } = fault;
  const words = `The provider ${provider} refused the gateway's account; its operator must look at its billing.`;
  return new GatewayError(words, { ...rest, reason: "UPSTREAM_CREDENTIALS" }, made.cause ?? made.message);
}
