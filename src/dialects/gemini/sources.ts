import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, lists, numberIn } from "./fields.ts";

/**
 * Sources of a candidate as `annotations`: what its text was grounded on, and what it cites. Google counts bytes of UTF-8, the
 * common shape characters as JavaScript does.
 *
 * @param text All of the candidate's text.
 * @see https://ai.google.dev/api/generate-content#GroundingMetadata
 */
export function annotationsOf(candidate: Readonly<JsonObject>, text: string): JsonObject[] {
  return [...grounded(fields(candidate["groundingMetadata"]), text), ...cited(candidate["citationMetadata"], text)];
}

function grounded(grounding: JsonObject, text: string): JsonObject[] {
  const chunks = Array.isArray(grounding["groundingChunks"]) ? grounding["groundingChunks"].map(fields) : [];
  return lists(grounding["groundingSupports"]).flatMap(({ segment, groundingChunkIndices }) => {
    const { startIndex, endIndex } = fields(segment);
    const places = Array.isArray(groundingChunkIndices) ? groundingChunkIndices : [];
    return places.flatMap((place) => {
      const chunk = chunks[Number(place)];
      const from = fields(chunk?.["web"] ?? chunk?.["retrievedContext"] ?? chunk?.["maps"]);
      return from["uri"] === undefined ? [] : [citation(from, startIndex, endIndex, text)];
    });
  });
}

function cited(value: Json | undefined, text: string): JsonObject[] {
  const { citations, citationSources } = fields(value);
  return lists(citations ?? citationSources)
    .filter(({ uri }) => typeof uri === "string")
    .map((one) => citation(one, one["startIndex"], one["endIndex"], text));
}

function citation(from: JsonObject, start: Json | undefined, end: Json | undefined, text: string): JsonObject {
  const bytes = Buffer.from(text);
  const place = (at: Json | undefined) => bytes.subarray(0, numberIn(at) ?? 0).toString("utf8").length;
  const url_citation = present({
    url: from["uri"],
    title: from["title"],
    start_index: place(start),
    end_index: place(end),
  });
  return { type: "url_citation", url_citation };
}

/** Annotations of other providers as `citationMetadata`; `undefined`: there is none. */
export function citationMetadata(annotations: Json | undefined, text: string): JsonObject | undefined {
  if (!Array.isArray(annotations)) return undefined;
  const bytes = (at: Json | undefined) => Buffer.byteLength(text.slice(0, numberIn(at) ?? 0));
  const citations = annotations.filter(isObject).flatMap(({ url_citation }) => {
    if (!isObject(url_citation) || typeof url_citation["url"] !== "string") return [];
    const { url, title, start_index, end_index } = url_citation;
    return [present({ startIndex: bytes(start_index), endIndex: bytes(end_index), uri: url, title })];
  });
  return citations.length === 0 ? undefined : { citations };
}
