import { errors } from "../../core/errors.ts";
import { isObject, type Json } from "../../core/json.ts";

/** The parts of a `data:` URL in base64; `undefined`: it is not one. `data` stays as it came. */
export function dataUrl(url: string): { mediaType: string; data: string } | undefined {
  if (!url.startsWith("data:")) return undefined;
  const comma = url.indexOf(",");
  if (comma < 0) return undefined;
  const [mediaType = "", ...parameters] = url.slice(5, comma).split(";");
  return parameters.at(-1)?.trim().toLowerCase() === "base64" && mediaType !== ""
    ? { mediaType: mediaType.toLowerCase(), data: url.slice(comma + 1) }
    : undefined;
}

/** All text of a message's content, joined; parts of other kinds are passed over. */
export function textOf(content: Json | undefined, between = ""): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .flatMap((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : []))
    .join(between);
}

/** The texts of `input` of embeddings. Throws FIELD_INVALID for token ids, which are another model's words. */
export function textsOf(input: Json | undefined): string[] {
  const list = typeof input === "string" ? [input] : Array.isArray(input) ? input : [];
  const texts = list.filter((one) => typeof one === "string");
  if (texts.length > 0 && texts.length === list.length) return texts;
  throw errors.fieldInvalid([
    { field: "input", description: "must be a text, or a list of texts, for this route's provider" },
  ]);
}
