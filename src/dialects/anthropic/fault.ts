import type { GatewayError } from "../../core/errors.ts";

/** Types of errors by status. https://docs.claude.com/en/api/errors */
const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};
const KNOWN = new Set([...Object.values(TYPES), "api_error", "conflict_error"]);

/**
 * An error as Anthropic's SDKs read it. A provider's own type is kept where it is one of theirs.
 *
 * @param id Of the request.
 */
export function anthropicError(error: GatewayError, id: string): string {
  const { fault, http } = error;
  // OpenAI has one type for all that a caller can do wrong; the status says more.
  const told = fault.type !== "invalid_request_error" ? fault.type : undefined;
  const type = told !== undefined && KNOWN.has(told) ? told : typeOf(http);
  return JSON.stringify({ type: "error", error: { type, message: error.message }, request_id: id });
}

function typeOf(status: number): string {
  return TYPES[status] ?? (status < 500 || status === 501 ? "invalid_request_error" : "api_error");
}
