import type { JsonObject } from "../../core/json.ts";

/**
 * A citation of the Messages API as an annotation: those of the web as OpenAI has them, others under their own type.
 *
 * @param from,to The cited text within `content`, in UTF-16 units.
 */
export function annotationOf(citation: JsonObject, from: number, to: number): JsonObject {
  const { type, ...rest } = citation;
  if (type !== "web_search_result_location") return { ...citation, start_index: from, end_index: to };
  const { url, title, ...more } = rest;
  return {
    type: "url_citation",
    url_citation: { start_index: from, end_index: to, url: url ?? "", title: title ?? "", ...more },
  };
}

/** An annotation as a citation of the Messages API; `undefined`: it is no source. */
export function citationOf(annotation: JsonObject): JsonObject | undefined {
  const { type, url_citation, start_index: _s, end_index: _e, ...rest } = annotation;
  if (type === "url_citation") {
    if (typeof url_citation !== "object" || url_citation === null || Array.isArray(url_citation)) return undefined;
    const { start_index: _a, end_index: _b, url, title, ...more } = url_citation;
    const known = { type: "web_search_result_location", url: url ?? "", title: title ?? null };
    return { ...known, cited_text: "", encrypted_index: "", ...more };
  }
  return typeof type === "string" && type.endsWith("_location") ? { type, ...rest } : undefined;
}
