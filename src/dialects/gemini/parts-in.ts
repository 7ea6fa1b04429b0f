import type { Json, JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, textIn } from "./fields.ts";
import { GOOGLE_PARTS, PART_MEMBERS } from "./parts-out.ts";

/**
 * One part of a user's content in the common shape; what that has no place for keeps Google's name as its type. `undefined`: the
 * part says nothing.
 */
export function partIn(value: Json): JsonObject | undefined {
  const part = fields(value);
  const made = kindIn(part);
  if (made === undefined) return undefined;
  for (const name of PART_MEMBERS) if (part[name] !== undefined) made[name] = part[name];
  return made;
}

function kindIn(part: JsonObject): JsonObject | undefined {
  if (typeof part["text"] === "string") return { type: "text", text: part["text"] };
  if (part["inlineData"] !== undefined) return inlineIn(fields(part["inlineData"]));
  if (part["fileData"] !== undefined) return fileIn(fields(part["fileData"]));
  const name = Object.keys(part).find((one) => GOOGLE_PARTS.has(one));
  return name === undefined ? undefined : { type: name, [name]: part[name] };
}

function inlineIn({ mimeType, data, displayName }: JsonObject): JsonObject {
  const type = textIn(mimeType) ?? "application/octet-stream";
  const url = `data:${type};base64,${typeof data === "string" ? standard(data) : ""}`;
  if (type.startsWith("image/")) return { type: "image_url", image_url: { url } };
  const sound = /^audio\/(?:x-)?([\w.+-]+)$/.exec(type)?.[1];
  if (sound !== undefined) {
    return {
      type: "input_audio",
      input_audio: { data: url.slice(url.indexOf(",") + 1), format: SOUNDS[sound] ?? sound },
    };
  }
  return { type: "file", file: present({ file_data: url, filename: displayName }) };
}

const SOUNDS: Readonly<Record<string, string>> = { mpeg: "mp3", wave: "wav" };

function fileIn({ mimeType, fileUri, displayName }: JsonObject): JsonObject {
  const url = textIn(fileUri) ?? "";
  if (textIn(mimeType)?.startsWith("image/")) return { type: "image_url", image_url: { url, mime_type: mimeType } };
  return { type: "file", file: present({ file_url: url, mime_type: mimeType, filename: displayName }) };
}

/** Google takes base64 of either alphabet. */
function standard(data: string): string {
  return /[-_]/.test(data) ? data.replaceAll("-", "+").replaceAll("_", "/") : data;
}
