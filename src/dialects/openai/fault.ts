import { clip, type Fault, GatewayError, type Reason } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import type { ReplyHeaders } from "../../core/provider.ts";

/**
 * A refusal by a server that speaks OpenAI's API, by the error table. Its message is kept, but for what looks like a key or
 * an address; where it is about our credential it is for the log alone.
 *
 * @param status HTTP status; a 2xx means that the error stood in the body or within a stream. It is told as it is; what the
 *   error says of itself, or else 500, decides on the row of the table.
 * @param body At most 64 KiB of the answer; JSON or anything else.
 * @param secrets Our own credentials there: providers quote keys.
 * @param as The status that decides on the row of the table, where the provider's own says something else.
 */
export function openAIFault(
  provider: string,
  status: number,
  headers: ReplyHeaders,
  body: Buffer,
  secrets: readonly string[] = [],
  as?: number,
): GatewayError {
  const error = errorOf(body);
  const said = text(error?.["message"]);
  const message = said === undefined ? undefined : masked(said, secrets);
  const named = numeric(error?.["status"] ?? error?.["code"]);
  const hidden = status >= 200 && status <= 299;
  const effective = as ?? (hidden ? (named ?? 500) : status);
  const reason = isOurAccount(effective, error) ? "UPSTREAM_CREDENTIALS" : reasonOf(effective);
  const fault: { -readonly [key in keyof Fault]: Fault[key] } = { reason, upstreamStatus: status };
  fault.said = { type: one(headers["content-type"]), text: masked(body.toString("utf8"), secrets) };
  const requestId = REQUEST_IDS.map((name) => one(headers[name])).find((id) => id !== undefined);
  if (requestId !== undefined) fault.upstreamRequestId = clip(requestId, 128);
  const retryAfterMs = retryAfter(headers);
  if (retryAfterMs !== undefined) fault.retryAfterMs = retryAfterMs;
  const told = hidden ? `an error under status ${status}` : `status ${status}`;
  if (reason === "UPSTREAM_REJECTED") {
    fault.http = effective;
    const { type, code, param } = error ?? {};
    if (typeof type === "string") fault.type = type;
    if (typeof code === "string") fault.code = code;
    if (typeof param === "string") fault.param = param;
    return new GatewayError(message ?? SENTENCES.UPSTREAM_REJECTED(provider, told), fault);
  }
  const sentence = SENTENCES[reason](provider, told);
  const words =
    reason !== "UPSTREAM_CREDENTIALS" && message !== undefined
      ? `${sentence} It says: ${withoutAddresses(message)}`
      : sentence;
  return new GatewayError(words, fault, message ?? masked(body.toString("utf8", 0, 1024), secrets));
}

/** Where providers tell how they call a request. */
const REQUEST_IDS = ["x-request-id", "request-id", "apim-request-id", "mistral-correlation-id", "x-debug-trace-id"];

/** A provider's words without our key, nor what looks like one. */
function masked(words: string, secrets: readonly string[]): string {
  let text = words;
  for (const secret of secrets) if (secret !== "") text = text.replaceAll(secret, "***");
  return text.replace(/\b(?:sk|pk|rk|key|org|proj)[-_][\w*.-]{6,}/gi, "***");
}

/** Where a provider failed, an address is its own business, not the caller's. */
function withoutAddresses(text: string): string {
  return text.replace(/\bhttps?:\/\/\S+/gi, "(address)");
}

type UpstreamReason = Extract<
  Reason,
  "UPSTREAM_REJECTED" | "UPSTREAM_CREDENTIALS" | "UPSTREAM_BUSY" | "UPSTREAM_FAILED" | "DEADLINE_PASSED"
>;

const SENTENCES: Record<UpstreamReason, (provider: string, told: string) => string> = {
  UPSTREAM_REJECTED: (provider, told) => `The provider ${provider} refused the request with ${told}.`,
  UPSTREAM_CREDENTIALS: (provider) =>
    `The provider ${provider} refused the gateway's credential or account; its operator must check the route's key and its plan.`,
  UPSTREAM_BUSY: (provider) => `The provider ${provider} is over its rate limit; try again later.`,
  UPSTREAM_FAILED: (provider, told) => `The provider ${provider} failed with ${told}.`,
  DEADLINE_PASSED: (provider, told) => `The provider ${provider} ran out of time (${told}).`,
};

/**
 * Which row of the error table a provider's status is. Of those that HTTP does not have: 424 and 499 are a model that failed, or was
 * cancelled, behind the provider's own door; 498 and 529 are no room at the moment.
 */
export function reasonOf(status: number): UpstreamReason {
  if (status === 401 || status === 402 || status === 403) return "UPSTREAM_CREDENTIALS";
  if (status === 429 || status === 498 || status === 529) return "UPSTREAM_BUSY";
  if (status === 408 || status === 504) return "DEADLINE_PASSED";
  if (status === 424 || status === 499) return "UPSTREAM_FAILED";
  if (status >= 400 && status <= 499) return "UPSTREAM_REJECTED";
  return "UPSTREAM_FAILED";
}

/** Codes and types of an account without money or quota, and of a key that is not good, under whatever status. */
const ACCOUNT_CODES = /^(?:insufficient_quota|billing_\w+|exceeded_current_quota_error|invalid_api_key|api_key_\w+)$/i;
/** Some say it in words alone. */
const ACCOUNT_WORDS =
  /credit balance is too low|incorrect api key|api key not valid|account suspended|user location is not supported/i;

/** Whether the refusal is about the account or key of the gateway: no caller can mend that, and coming back does not help. */
function isOurAccount(status: number, error: JsonObject | undefined): boolean {
  if (status < 400 || status > 499 || error === undefined) return false;
  const { code, type, message } = error;
  if ([code, type].some((one) => typeof one === "string" && ACCOUNT_CODES.test(one))) return true;
  return status !== 404 && typeof message === "string" && ACCOUNT_WORDS.test(message);
}

/** Milliseconds of `Retry-After` (seconds, or a date, which is taken from the answer's own `Date`) or OpenAI's `retry-after-ms`. */
export function retryAfter(headers: ReplyHeaders): number | undefined {
  const exact = Number(one(headers["retry-after-ms"]));
  if (Number.isFinite(exact) && exact > 0) return exact;
  const told = one(headers["retry-after"]);
  if (told === undefined) return undefined;
  const seconds = Number(told);
  const ms = Number.isNaN(seconds) ? Date.parse(told) - Date.parse(one(headers["date"]) ?? "") : seconds * 1000;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** The error of a body, in whatever of the usual forms it came: its `message`, and `type`, `code`, `param`, `status` if it has them. */
function errorOf(body: Buffer): JsonObject | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  // Google's OpenAI API puts its errors into a list.
  if (Array.isArray(json)) json = json[0];
  if (!isObject(json)) return undefined;
  const { error, message, detail } = json;
  if (isObject(error)) return error;
  const type = json["type"] ?? json["error_type"];
  const more = { ...json, ...(type !== undefined && { type }), code: json["code"] ?? json["error_code"] ?? null };
  if (typeof error === "string") return { ...more, message: error };
  if (typeof message === "string") return more;
  const words = detailOf(isObject(message) ? message["detail"] : detail);
  return words === undefined ? undefined : { ...more, message: words };
}

/** FastAPI's `detail`: a text, or a list of what is wrong where. */
function detailOf(detail: Json | undefined): string | undefined {
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return undefined;
  const told = detail.filter(isObject).map(({ loc, msg }) => {
    const place = (Array.isArray(loc) ? loc : []).flatMap((part) =>
      part === "body" || typeof part === "object" ? [] : [String(part)],
    );
    return place.length === 0 ? textIn(msg) : `${place.join(".")}: ${textIn(msg)}`;
  });
  return told.length === 0 ? undefined : told.join("; ");
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? clip(value, 2000) : undefined;
}

function numeric(value: unknown): number | undefined {
  const status = typeof value === "number" ? value : typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}
