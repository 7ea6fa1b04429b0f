import { Body } from "../../core/body.ts";
import type { HeaderMap, Operation } from "../../core/call.ts";
import { asGatewayError, type GatewayError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { type Flaw, mistakeIn } from "../../core/mistake.ts";
import { isJsonType } from "../../core/plain.ts";
import { invalid, MlflowRefusal } from "./issue.ts";
import { notAnObject } from "./rules.ts";
import { type Speech, speechOf } from "./speech.ts";

/** A request's body, and how its sender speaks. */
export interface Read {
  readonly body: Body;
  readonly speech: Speech;
  /** Of the body's members. */
  readonly keys: readonly string[];
}

/**
 * Reads a request's body as FastAPI does: JSON by its content type, and one object. Throws what MLflow would say otherwise.
 *
 * @param bytes As sent; empty when there was no body.
 */
export function readBody(op: Operation, headers: HeaderMap, bytes: Buffer): Read {
  const agent = text(headers["user-agent"]);
  const first = speechOf(agent, op, []);
  const { format } = first;
  if (bytes.length === 0) throw invalid([notAnObject(undefined, format)], format);
  if (!isJson(text(headers["content-type"]))) {
    throw invalid([notAnObject(bytes.toString("utf8", 0, ECHO_BYTES), format)], format);
  }
  const body = Body.ofBytes(bytes);
  try {
    // What cannot be read is refused before anything else is looked at.
    if (bytes.length <= PARSED_BYTES && body.brief === undefined) void body.json;
    const keys = body.keys();
    // Who says its version needs not be told by its members.
    return { body, speech: first.fillCount ? first : speechOf(agent, op, keys), keys };
  } catch (thrown) {
    throw explained(asGatewayError(thrown), bytes, format);
  }
}

/** Up to this size a body is parsed at once. */
const PARSED_BYTES = 8 * 1024;
/** Most of a body that is no JSON that is repeated to its sender. */
const ECHO_BYTES = 1024;

/** FastAPI reads JSON from `application/json`, from `application/*+json`, and where no type is given. */
function isJson(contentType: string | undefined): boolean {
  return contentType === undefined || isJsonType(contentType);
}

function explained(error: GatewayError, bytes: Buffer, format: Speech["format"]): GatewayError {
  if (error.fault.reason !== "BODY_MALFORMED") return error;
  const sent = bytes.toString("utf8").replace(/^\uFEFF/, "");
  let input: Json;
  try {
    input = JSON.parse(sent) as Json;
  } catch {
    const { flaw, at } = mistakeIn(sent) ?? { flaw: "value", at: 0 };
    const why = WORDS[flaw];
    const issue = { type: "json_invalid", loc: ["body", at], msg: "JSON decode error", input: {}, ctx: { error: why } };
    return invalid([issue], format);
  }
  if (typeof input === "object" && input !== null && !Array.isArray(input)) {
    return new MlflowRefusal(error.message, error.message, 422, "BODY_MALFORMED");
  }
  return invalid([notAnObject(Array.isArray(input) ? [] : input, format)], format);
}

/** Python's words for a mistake. */
const WORDS: Readonly<Record<Flaw, string>> = {
  value: "Expecting value",
  name: "Expecting property name enclosed in double quotes",
  colon: "Expecting ':' delimiter",
  comma: "Expecting ',' delimiter",
  extra: "Extra data",
  unterminated: "Unterminated string starting at",
  control: "Invalid control character at",
  escape: "Invalid \\escape",
};

function text(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : value?.[0];
}
