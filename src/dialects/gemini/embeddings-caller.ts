import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, lists, textIn } from "./fields.ts";
import { usageMetadata } from "./usage.ts";

/**
 * A request of `embedContent`, or of `batchEmbedContents`, in the common shape. Throws FIELD_INVALID for contents that are not text,
 * and for a batch whose requests want different things: the common shape asks for all vectors alike.
 */
export function embedRequest(json: Readonly<JsonObject>, route: string, batch: boolean): JsonObject {
  const asked = fields(json);
  if (!batch) return { model: route, input: textOf(asked["content"], "content"), ...howOf(asked) };
  const requests = lists(asked["requests"]);
  if (requests.length === 0) throw invalid("requests", "must be a list with at least one request");
  const hows = requests.map((one) => JSON.stringify(howOf(one)));
  const odd = hows.findIndex((how) => how !== hows[0]);
  if (odd >= 0) throw invalid(`requests[${odd}]`, "must ask for the same as the first, but for its content");
  const input = requests.map((one, at) => textOf(one["content"], `requests[${at}].content`));
  return { model: route, input, ...howOf(requests[0]!) };
}

/** How texts are to be read: its size, and what only Google knows. */
function howOf(request: JsonObject): JsonObject {
  const { content: _, model: _model, outputDimensionality, ...rest } = request;
  return present({ dimensions: outputDimensionality, ...rest });
}

function textOf(content: Json | undefined, path: string): string {
  const parts = typeof content === "string" ? [{ text: content }] : lists(fields(content)["parts"]);
  const texts = parts.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
  if (parts.length === 0 || texts.length < parts.length) {
    throw invalid(`${path}.parts`, "must be texts: this gateway makes vectors of text alone");
  }
  return texts.join("");
}

function invalid(field: string, description: string): Error {
  return errors.fieldInvalid([{ field, description }]);
}

/** Vectors in the common shape as a reply of `embedContent` or `batchEmbedContents`. */
export function embedReply(json: Readonly<JsonObject>, batch: boolean): JsonObject {
  const data = Array.isArray(json["data"]) ? json["data"].filter(isObject) : [];
  const embeddings = data.map(({ embedding }) => ({ values: floats(embedding) }));
  const usage = usageMetadata(json["usage"]);
  return present({
    ...(batch ? { embeddings } : { embedding: embeddings[0] ?? { values: [] } }),
    usageMetadata: usage,
  });
}

/** A provider may send base64 unasked. */
function floats(embedding: Json | undefined): Json {
  const packed = textIn(embedding);
  if (packed === undefined) return embedding ?? [];
  const bytes = Buffer.from(packed, "base64");
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readFloatLE(at * 4));
}
