import { GatewayError } from "../../core/errors.ts";
import { type JsonObject, parsedObject } from "../../core/json.ts";
import type { ReplyHeaders, Tools } from "../../core/provider.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";

/** AWS's errors by their names, and the status by which the error table knows them: its own do not always say it. */
const STATUS: Readonly<Record<string, number>> = {
  AccessDeniedException: 403,
  AccessDenied: 403,
  ExpiredToken: 403,
  ExpiredTokenException: 403,
  IncompleteSignature: 403,
  IncompleteSignatureException: 403,
  InvalidClientTokenId: 403,
  InvalidSignatureException: 403,
  MissingAuthenticationTokenException: 403,
  NotAuthorized: 403,
  OptInRequired: 403,
  RequestExpired: 403,
  SignatureDoesNotMatch: 403,
  UnrecognizedClientException: 403,
  ModelNotReadyException: 429,
  ServiceQuotaExceededException: 429,
  ThrottlingException: 429,
  Throttling: 429,
  TooManyRequestsException: 429,
  ModelTimeoutException: 504,
  InternalFailure: 500,
  InternalServerException: 500,
  ModelErrorException: 502,
  ModelStreamErrorException: 502,
  ServiceUnavailable: 503,
  ServiceUnavailableException: 503,
  ConflictException: 409,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  ValidationException: 400,
  ValidationError: 400,
};

/** Others will not be refused: keys that are lent and have ended, or that AWS does not know any more. */
const STALE = new Set(["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"]);

/** So far clocks may differ: AWS refuses a signature that is more than 5 minutes off. */
const SKEW_MS = 4.5 * 60_000;

/** What a failure is judged with. */
export interface FaultParts {
  readonly tools: Pick<Tools, "wallNow">;
  readonly secrets: readonly string[];
  /** Told when the credential is at fault. */
  readonly refused: () => void;
}

/** A refusal of Bedrock's, by the error table. */
export function bedrockFault(parts: FaultParts, status: number, headers: ReplyHeaders, body: Buffer): GatewayError {
  const json = parsedObject(body.toString("utf8")) ?? {};
  const named = one(headers["x-amzn-errortype"]) ?? json["__type"] ?? json["code"];
  // As in `ValidationException:http://internal...`, or `com.amazon.coral.service#ExpiredTokenException`.
  const type = typeof named === "string" ? named.replace(/:.*$/s, "").replace(/^.*#/s, "") : "";
  return faultOf(parts, status, headers, type, json, body);
}

/**
 * A failure that stands within a stream.
 *
 * @param type As the stream spells it, such as `throttlingException`.
 */
export function streamFault(parts: FaultParts, headers: ReplyHeaders, type: string, json: JsonObject): GatewayError {
  const name = type.slice(0, 1).toUpperCase() + type.slice(1);
  return faultOf(parts, 200, headers, name, json, Buffer.from(JSON.stringify(json)));
}

function faultOf(
  { tools, secrets, refused }: FaultParts,
  status: number,
  headers: ReplyHeaders,
  type: string,
  json: JsonObject,
  body: Buffer,
): GatewayError {
  const by = Object.hasOwn(STATUS, type) ? STATUS[type]! : status < 300 ? 500 : status;
  const said = [json["message"], json["Message"], json["originalMessage"]].find((text) => typeof text === "string");
  const id = one(headers["x-amzn-requestid"]);
  const error = said === undefined ? body : Buffer.from(JSON.stringify({ error: { message: said, code: type } }));
  const known = openAIFault(
    "bedrock",
    by,
    id === undefined ? headers : { ...headers, "x-request-id": id },
    error,
    secrets,
  );
  const fault = { ...known.fault, upstreamStatus: status };
  if (fault.reason !== "UPSTREAM_CREDENTIALS") {
    return new GatewayError(known.message.replace(`status ${by}`, type || `status ${by}`), fault, known.cause);
  }
  if (STALE.has(type)) refused();
  const skewed = skewOf(headers, String(said), tools.wallNow());
  return new GatewayError(skewed ?? known.message, fault, `${type}: ${String(known.cause)}`);
}

/** What to do about a clock, where that is what is wrong. */
function skewOf(headers: ReplyHeaders, said: string, now: number): string | undefined {
  const theirs = Date.parse(one(headers["date"]) ?? "");
  const off = Number.isNaN(theirs) ? 0 : now - theirs;
  if (Math.abs(off) < SKEW_MS && !/Signature (expired|not yet current)|RequestTimeTooSkewed/i.test(said))
    return undefined;
  const how =
    Math.abs(off) < SKEW_MS ? "wrong" : `${Math.round(Math.abs(off) / 60_000)} minutes ${off < 0 ? "behind" : "ahead"}`;
  return `The provider bedrock refused the gateway's signature for its time: the gateway's clock is ${how}; its operator must set it.`;
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
