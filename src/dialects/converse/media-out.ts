import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { dataUrl } from "../openai/media.ts";

/** Media types, and endings of names, by Converse's words for formats. */
const IMAGES: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/jpg": "jpeg",
  "image/gif": "gif",
  "image/webp": "webp",
};
const DOCUMENTS: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "text/csv": "csv",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "text/html": "html",
  "text/plain": "txt",
  "text/markdown": "md",
};
const VIDEOS: Readonly<Record<string, string>> = {
  "video/x-matroska": "mkv",
  "video/quicktime": "mov",
  "video/mp4": "mp4",
  "video/webm": "webm",
  "video/x-flv": "flv",
  "video/mpeg": "mpeg",
  "video/x-ms-wmv": "wmv",
  "video/3gpp": "three_gp",
};

/** A picture's block. Throws FIELD_INVALID for an address that Bedrock does not fetch, and for a format it does not know. */
export function imageOut(call: Call, path: string, part: Readonly<JsonObject>): JsonObject {
  const given = part["image_url"];
  const image = isObject(given) ? given : { url: given };
  if (image["detail"] !== undefined && image["detail"] !== null && image["detail"] !== "auto") {
    call.adjust("dropped", `${path}.image_url.detail`);
  }
  return { image: sourced(`${path}.image_url.url`, image["url"], IMAGES, "image") };
}

/** Sound's block. */
export function audioOut(path: string, part: Readonly<JsonObject>): JsonObject {
  const { data, format } = isObject(part["input_audio"]) ? part["input_audio"] : {};
  if (typeof data !== "string" || typeof format !== "string") {
    throw errors.fieldInvalid([{ field: `${path}.input_audio`, description: "must have data and format" }]);
  }
  return { audio: { format, source: { bytes: data } } };
}

/** A film's block. It is no part of OpenAI's; others call it `video_url`. */
export function videoOut(path: string, part: Readonly<JsonObject>): JsonObject {
  const given = part["video_url"];
  return {
    video: sourced(`${path}.video_url.url`, isObject(given) ? given["url"] : given, VIDEOS, "video"),
  };
}

/**
 * A document's block. Converse demands a name, of few characters and told apart from the others': the file's own as far as it
 * goes, and `document` where there is none.
 *
 * @param names Those that the request has so far.
 */
export function documentOut(call: Call, path: string, part: Readonly<JsonObject>, names: Set<string>): JsonObject {
  const file = isObject(part["file"]) ? part["file"] : {};
  const { filename } = file;
  const given = ["file_data", "file_url", "file_id"].filter((name) => typeof file[name] === "string");
  for (const name of given.slice(1)) call.adjust("dropped", `${path}.file.${name}`);
  const data = file[given[0] ?? "file_data"];
  const ending = typeof filename === "string" ? /\.(\w+)$/.exec(filename)?.[1]?.toLowerCase() : undefined;
  const { format, source } = sourced(`${path}.file`, data, DOCUMENTS, "document", ending);
  const name = nameOf(typeof filename === "string" ? filename : "", names);
  if (typeof filename === "string" && name !== filename.replace(/\.\w+$/, "")) {
    call.adjust("converted", `${path}.file.filename`);
  }
  const document: JsonObject = { format: format!, name, source: source! };
  for (const more of ["context", "citations"] as const) {
    if (isObject(part[more]) || typeof part[more] === "string") document[more] = part[more];
  }
  return { document };
}

function nameOf(filename: string, names: Set<string>): string {
  const bare = filename.replace(/\.\w+$/, "");
  const plain = bare
    .replace(/[^\p{L}\p{N}\s()[\]-]/gu, "-")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 180);
  let name = plain === "" ? "document" : plain;
  for (let n = 2; names.has(name); n++) name = `${plain === "" ? "document" : plain} ${n}`;
  names.add(name);
  return name;
}

/** Base64 of a `data:` URL, or a place in S3. */
function sourced(
  path: string,
  url: Json | undefined,
  formats: Readonly<Record<string, string>>,
  what: string,
  ending = "",
): JsonObject {
  const said = typeof url === "string" ? url : "";
  const known = Object.values(formats);
  if (said.startsWith("s3://")) {
    const named = ending || (/\.(\w+)$/.exec(said)?.[1]?.toLowerCase() ?? "");
    const format = named === "jpg" ? "jpeg" : named === "3gp" ? "three_gp" : named;
    if (!known.includes(format)) throw unknownFormat(path, named, what, known);
    return { format, source: { s3Location: { uri: said } } };
  }
  const data = dataUrl(said);
  if (data === undefined) {
    throw errors.fieldInvalid([
      { field: path, description: `must be a data: URL in base64, or s3://; Bedrock fetches no other address` },
    ]);
  }
  const format = formats[data.mediaType] ?? (known.includes(ending) ? ending : undefined);
  if (format === undefined) throw unknownFormat(path, data.mediaType, what, known);
  return { format, source: { bytes: data.data } };
}

function unknownFormat(path: string, format: string, what: string, known: readonly string[]) {
  const list = [...new Set(known)].join(", ");
  const description = `${JSON.stringify(format.slice(0, 60))} is no kind of ${what} that Bedrock takes: ${list}`;
  return errors.fieldInvalid([{ field: path, description }]);
}
