import type { GatewayError } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { ReplyHeaders } from "../../core/provider.ts";
import { openAIFault } from "../openai/fault.ts";
import { lists, numberIn, textIn } from "./fields.ts";

/** Reasons by which Google refuses a key under another status than 401 or 403. */
const KEY_REASONS = new Set(["API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED", "ACCESS_TOKEN_EXPIRED"]);

/**
 * A refusal by one of Google's APIs, by the error table: `{"error": {code, message, status, details}}`, alone or as the one element
 * of a list, as streams without `alt=sse` have it. A key that is not good is 400 there, and when to come back stands in the details.
 *
 * @param status HTTP status; a 2xx means that the error stood in the body or within a stream.
 * @see https://cloud.google.com/apis/design/errors#error_model
 */
export function googleFault(
  provider: string,
  status: number,
  headers: ReplyHeaders,
  body: Buffer,
  secrets: readonly string[] = [],
): GatewayError {
  const error = errorOf(body);
  if (error === undefined) return openAIFault(provider, status, headers, body, secrets);
  const details = lists(error["details"]);
  const reason = details.map((one) => textIn(one["reason"])).find((one) => one !== undefined);
  const hidden = status >= 200 && status <= 299;
  const code = hidden ? numberIn(error["code"]) : status;
  const wrongKey = reason !== undefined && KEY_REASONS.has(reason);
  const plain = { message: textIn(error["message"]) ?? "", code: reason ?? textIn(error["status"]) ?? null };
  const wait = retryMs(details.map(({ retryDelay }) => retryDelay));
  const told = wait === undefined ? headers : { "retry-after-ms": String(wait), ...headers };
  const bytes = Buffer.from(JSON.stringify({ error: plain }));
  return openAIFault(provider, status, told, bytes, secrets, wrongKey ? 401 : code);
}

function errorOf(body: Buffer): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(body.toString("utf8"));
    const first: unknown = Array.isArray(json) ? json[0] : json;
    return isObject(first) && isObject(first["error"]) ? first["error"] : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds of `RetryInfo`'s delay, such as `34.07s`. */
function retryMs(delays: readonly (Json | undefined)[]): number | undefined {
  for (const delay of delays) {
    const seconds = typeof delay === "string" ? Number.parseFloat(delay) : Number.NaN;
    if (Number.isFinite(seconds) && seconds > 0) return Math.ceil(seconds * 1000);
  }
  return undefined;
}
