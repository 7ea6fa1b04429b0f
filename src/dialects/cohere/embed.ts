import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { embeddingsReply, present } from "../openai/make.ts";
import { textsOf } from "../openai/media.ts";
import { Taken } from "../openai/take.ts";
import { cohereUsage } from "./finish.ts";

/**
 * Texts to embed in Cohere's words (API v2), which demand what the vectors are for: `input_type`, by default `search_document`,
 * told as defaulted. `truncate`, `embedding_types` and `inputs` (with pictures) go through as they came.
 *
 * @see https://docs.cohere.com/reference/embed
 */
export function embedRequest(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const taken = new Taken(call, json);
  const input_type = taken.take("input_type");
  if (input_type === undefined) call.adjust("defaulted", "input_type");
  const format = taken.take("encoding_format");
  const inputs = taken.take("inputs");
  const images = taken.take("images");
  const input = taken.take("input");
  const request = present({
    model,
    input_type: input_type ?? "search_document",
    texts: inputs === undefined && images === undefined ? textsOf(input) : undefined,
    inputs,
    images,
    embedding_types: taken.take("embedding_types") ?? [format === "base64" ? "base64" : "float"],
    output_dimension: taken.number("dimensions"),
  });
  return { ...request, ...taken.rest() };
}

/**
 * Vectors of Cohere's in the common shape, by type or, as v1 has them, bare. Those of `encoding_format`, else the first type
 * that is there, are the answer's; further types stand beside them in `embeddings`.
 */
export function embedReplyIn(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const { embeddings } = json;
  const usage = cohereUsage(json["meta"]);
  if (usage) delete usage["completion_tokens"];
  if (Array.isArray(embeddings)) return embeddingsReply(model, embeddings, usage);
  const types = isObject(embeddings) ? Object.entries(embeddings).filter(([, value]) => Array.isArray(value)) : [];
  const wanted = call.body.peek("encoding_format") === "base64" ? "base64" : "float";
  const [first = types[0]] = types.filter(([name]) => name === wanted);
  if (first === undefined) throw errors.upstreamFailed("The provider's answer has no embeddings.");
  const others = types.filter(([name]) => name !== first[0]);
  const reply = embeddingsReply(model, first[1] as Json[], usage);
  return others.length === 0 ? reply : { ...reply, embeddings: Object.fromEntries(others) };
}
