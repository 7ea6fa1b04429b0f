import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { dataUrl } from "../openai/media.ts";

/** Tells that a member has no place; `path` is below the message. */
export type Drop = (path: string) => void;

/** The API's own kinds of content that the common shape keeps whole. */
const OWN =
  /^(?:image|document|search_result|container_upload|tool_reference|browser_state|(?:server|mcp)_tool_use|\w*_tool_result|compaction|fallback|tool_addition|tool_removal|mid_conv_system)$/;

/**
 * A message's content as blocks. Empty texts, which the API refuses, are left out: they say nothing.
 *
 * @param whole Whether parts of kinds that nobody knows are sent: the caller speaks the API's own words.
 */
export function blocksOf(content: Json | undefined, whole: boolean, drop: Drop): JsonObject[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  const blocks: JsonObject[] = [];
  for (let at = 0; at < content.length; at++) {
    const part = content[at];
    const block = isObject(part) ? blockOf(part, whole, (path) => drop(`content[${at}]${path}`)) : undefined;
    if (block !== undefined) blocks.push(block);
  }
  return blocks;
}

function blockOf(part: JsonObject, whole: boolean, drop: Drop): JsonObject | undefined {
  switch (part["type"]) {
    case "text":
      return part["text"] === "" ? undefined : part;
    case "refusal": {
      const { refusal, type: _, ...rest } = part;
      return typeof refusal === "string" && refusal !== "" ? { type: "text", text: refusal, ...rest } : undefined;
    }
    case "image_url":
      return imageOf(part, drop);
    case "file":
      return documentOf(part, drop);
    default:
      if (whole || (typeof part["type"] === "string" && OWN.test(part["type"]))) return part;
      drop("");
      return undefined;
  }
}

function imageOf({ type: _, image_url, ...rest }: JsonObject, drop: Drop): JsonObject | undefined {
  const { url, detail } = isObject(image_url) ? image_url : { url: image_url, detail: undefined };
  if (detail !== undefined && detail !== null && detail !== "auto") drop(".image_url.detail");
  const source = typeof url === "string" ? imageSource(url) : undefined;
  if (source !== undefined) return { type: "image", source, ...rest };
  drop("");
  return undefined;
}

function imageSource(url: string): JsonObject | undefined {
  const data = dataUrl(url);
  if (data !== undefined) return { type: "base64", media_type: data.mediaType, data: data.data };
  return /^https?:/i.test(url) ? { type: "url", url } : undefined;
}

/** A document from a file's bytes, its address, or the id under which the provider has it. */
function documentOf({ type: _, file, ...rest }: JsonObject, drop: Drop): JsonObject | undefined {
  const { filename, file_data, file_id, file_url } = isObject(file) ? file : {};
  const source =
    typeof file_data === "string"
      ? dataSource(file_data)
      : typeof file_url === "string"
        ? { type: "url", url: file_url }
        : typeof file_id === "string"
          ? { type: "file", file_id }
          : undefined;
  if (source === undefined) {
    drop("");
    return undefined;
  }
  if (typeof file_id === "string" && source["type"] !== "file") drop(".file.file_id");
  if (source["type"] === "image") return { type: "image", source: source["source"]!, ...rest };
  return { type: "document", source, ...(typeof filename === "string" && { title: filename }), ...rest };
}

function dataSource(url: string): JsonObject | undefined {
  const data = dataUrl(url);
  if (data === undefined) return undefined;
  const { mediaType } = data;
  if (mediaType === "application/pdf") return { type: "base64", media_type: mediaType, data: data.data };
  if (mediaType.startsWith("image/")) return { type: "image", source: imageSource(url)! };
  if (!mediaType.startsWith("text/") && mediaType !== "application/json") return undefined;
  // The API's documents of text are plain text, whatever the text is.
  return { type: "text", media_type: "text/plain", data: Buffer.from(data.data, "base64").toString("utf8") };
}
