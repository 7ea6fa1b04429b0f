import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { present } from "../openai/make.ts";
import { dataUrl } from "../openai/media.ts";
import { textIn } from "./fields.ts";

/** What Google says of a part beside what it is; kept under these names when a caller of Google's API sent it. */
export const PART_MEMBERS: readonly string[] = words(
  "videoMetadata mediaResolution partMetadata mediaProcessing speechMetadata",
);

/** Google's kinds of parts that have no place in the common shape: there they have the member's name as their type. */
export const GOOGLE_PARTS: ReadonlySet<string> = new Set(
  words(`
    inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse
    audioTranscription
  `),
);

/**
 * One part of a message in Google's words; `undefined`: it has no place there, and that is told.
 *
 * @param path Where it stands in the request.
 * @see https://ai.google.dev/api/caching#Part
 */
export function partOut(call: Call, part: Json, path: string): JsonObject | undefined {
  if (!isObject(part)) return undefined;
  const type = textIn(part["type"]) ?? "text";
  const made = kindOut(call, type, part, path);
  if (made === undefined) {
    call.adjust("dropped", path);
    return undefined;
  }
  for (const [name, value] of Object.entries(part)) {
    if (name === "type" || name === type || value === null) continue;
    if (PART_MEMBERS.includes(name) || name === "thoughtSignature") made[name] = value;
    else if (!(type === "refusal" && name === "text")) call.adjust("dropped", `${path}.${name}`);
  }
  return made;
}

function kindOut(call: Call, type: string, part: JsonObject, path: string): JsonObject | undefined {
  const of = part[type];
  if (type === "text" || type === "refusal") return typeof of === "string" ? { text: of } : undefined;
  if (GOOGLE_PARTS.has(type) && isObject(of)) return { [type]: of };
  if (!isObject(of)) return undefined;
  const left = (...known: string[]) => {
    for (const [name, value] of Object.entries(of)) {
      if (!known.includes(name) && value !== null && value !== "auto")
        call.adjust("dropped", `${path}.${type}.${name}`);
    }
  };
  if (type === "image_url" && typeof of["url"] === "string") {
    left("url", "mime_type");
    return mediaOut(of["url"], textIn(of["mime_type"]));
  }
  if (type === "input_audio" && typeof of["data"] === "string") {
    left("data", "format");
    return { inlineData: { mimeType: `audio/${textIn(of["format"]) ?? "wav"}`, data: of["data"] } };
  }
  if (type !== "file") return undefined;
  const where = ["file_data", "file_url", "file_id"].find((name) => textIn(of[name]) !== undefined);
  if (where === undefined) return undefined;
  left(where, "mime_type");
  return mediaOut(textIn(of[where])!, textIn(of["mime_type"]));
}

/** Media by value when the address is a `data:` URL, else by reference. */
function mediaOut(url: string, known: string | undefined): JsonObject {
  const inline = dataUrl(url);
  if (inline) return { inlineData: { mimeType: known ?? inline.mediaType, data: inline.data } };
  return { fileData: present({ mimeType: known ?? typeOf(url), fileUri: url }) };
}

const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  pdf: "application/pdf",
  txt: "text/plain",
  mp3: "audio/mp3",
  wav: "audio/wav",
  mp4: "video/mp4",
  mov: "video/mov",
  webm: "video/webm",
};

/** What a file is by the end of its name; Vertex wants to be told. */
function typeOf(url: string): string | undefined {
  const ending = /\.([a-z0-9]+)(?:[?#]|$)/i.exec(url)?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined;
}
