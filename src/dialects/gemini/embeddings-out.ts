import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { Taken } from "../openai/take.ts";

/** The texts of a request for vectors, and how each is to be read; `more` is Google's own, such as `taskType`. */
export interface Embedding {
  readonly texts: readonly string[];
  readonly dimensions: number | undefined;
  readonly more: JsonObject;
}

/** Takes a request for vectors apart. Throws FIELD_INVALID for token ids: they are another model's words. */
export function embeddingOf(call: Call): Embedding {
  const taken = new Taken(call);
  const texts = textsOf(taken.take("input"));
  const dimensions = taken.number("dimensions");
  // Whatever the caller wants of the two, the reply is written so.
  taken.take("encoding_format");
  return { texts, dimensions, more: call.arrival.era === undefined ? taken.rest() : {} };
}

function textsOf(input: Json | undefined): string[] {
  const list = typeof input === "string" ? [input] : Array.isArray(input) ? input : [];
  const texts = list.filter((one) => typeof one === "string");
  if (texts.length > 0 && texts.length === list.length) return texts;
  throw errors.fieldInvalid([
    { field: "input", description: "must be a text, or a list of texts, for this route's provider" },
  ]);
}

/**
 * One text is said by `embedContent`, several by `batchEmbedContents`, as MLflow does.
 *
 * @param resource The model as a resource, such as `models/gemini-embedding-001`.
 * @see https://ai.google.dev/api/embeddings
 */
export function embedContent(call: Call, resource: string): { readonly method: string; readonly json: JsonObject } {
  const { texts, dimensions, more } = embeddingOf(call);
  const one = (text: string) => present({ content: { parts: [{ text }] }, outputDimensionality: dimensions, ...more });
  if (texts.length === 1) return { method: "embedContent", json: one(texts[0]!) };
  const requests = texts.map((text) => ({ model: resource, ...one(text) }));
  return { method: "batchEmbedContents", json: { requests } };
}
