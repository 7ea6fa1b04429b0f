import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { audioOut, documentOut, imageOut, videoOut } from "./media-out.ts";

/** Kinds of blocks that a caller may give in Converse's own words: `{"type": "guardContent", "guardContent": {...}}`. */
const NATIVE = new Set(
  words(`
    guardContent cachePoint citationsContent searchResult document image video audio toolAddition toolRemoval json
    reasoningContent toolUse toolResult
  `),
);

/**
 * Blocks of a message's content. Text without a character is left out, which Converse refuses; a mark for the cache is a block
 * of its own after what it marks. Parts that Converse has no block for are told as dropped.
 *
 * @param path Where the content stands, such as `messages[2].content`.
 * @param names Of the request's documents so far.
 */
export function contentOut(call: Call, path: string, content: Json | undefined, names: Set<string>): JsonObject[] {
  if (typeof content === "string") return textOut(content);
  if (!Array.isArray(content)) return [];
  return content.flatMap((part, at) => (isObject(part) ? partOut(call, `${path}[${at}]`, part, names) : []));
}

/** A block of text; none for no text. */
export function textOut(text: Json | undefined): JsonObject[] {
  return typeof text === "string" && text.trim() !== "" ? [{ text }] : [];
}

/** The block that a mark for the provider's cache is. */
export function cachePoint(mark: Json | undefined): JsonObject[] {
  if (!isObject(mark)) return [];
  const { ttl } = mark;
  return [{ cachePoint: { type: "default", ...(typeof ttl === "string" && { ttl }) } }];
}

function partOut(call: Call, path: string, part: Readonly<JsonObject>, names: Set<string>): JsonObject[] {
  const blocks = blocksOf(call, path, part, names);
  if (blocks === undefined) {
    call.adjust("dropped", path);
    return [];
  }
  return blocks.length === 0 ? [] : [...blocks, ...cachePoint(part["cache_control"])];
}

function blocksOf(call: Call, path: string, part: Readonly<JsonObject>, names: Set<string>): JsonObject[] | undefined {
  const { type } = part;
  switch (type) {
    case "text":
      return textOut(part["text"]);
    case "refusal":
      return textOut(part["refusal"]);
    case "image_url":
      return [imageOut(call, path, part)];
    case "input_audio":
      return [audioOut(path, part)];
    case "video_url":
      return [videoOut(path, part)];
    case "file":
      return [documentOut(call, path, part, names)];
    default: {
      const own = typeof type === "string" && NATIVE.has(type) ? part[type] : undefined;
      return own === undefined || own === null ? undefined : [{ [type as string]: own }];
    }
  }
}
