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
