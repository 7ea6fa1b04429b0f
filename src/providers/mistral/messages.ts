import { createHash } from "node:crypto";
import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import { eachMessage, eachPart } from "../../dialects/openai/each-message.ts";
import { isTranslated } from "../../dialects/openai/foreign.ts";
import { only } from "../../dialects/openai/only.ts";
import { ownReasoning } from "../../dialects/openai/reasoning.ts";

/** Mistral refuses members that it does not know, so nothing goes there that it has no place for; that is told. */
export function mistralMessages(call: Call, messages: Json | undefined, model: string): JsonObject[] {
  return eachMessage(messages, (path, message) => messageOut(call, path, message, model));
}

function messageOut(call: Call, path: string, message: Readonly<JsonObject>, model: string): JsonObject {
  const { role, content, ...rest } = message;
  if (role === "assistant") return assistantOut(call, path, message, model);
  if (role === "developer") call.adjust("converted", `${path}.role`);
  const said = {
    role: role === "developer" ? "system" : (role ?? "user"),
    content: contentOut(call, path, content) ?? "",
  };
  if (role !== "tool") {
    only(call, path, rest, []);
    return said;
  }
  const kept = only(call, path, rest, ["tool_call_id", "name"]);
  return { ...said, ...kept, ...("tool_call_id" in kept && { tool_call_id: callId(textIn(kept["tool_call_id"])) }) };
}

function assistantOut(call: Call, path: string, message: Readonly<JsonObject>, model: string): JsonObject {
  const { content, refusal, reasoning, reasoning_details, tool_calls, ...rest } = message;
  const own = ownReasoning(message, "mistral", model);
  const given = Array.isArray(reasoning_details) ? reasoning_details.length : 0;
  if (given > own.length) call.adjust("dropped", `${path}.reasoning_details`);
  else if (own.length === 0 && reasoning) call.adjust("dropped", `${path}.reasoning`);
  if (content && refusal) call.adjust("dropped", `${path}.refusal`);
  const kept = only(call, path, rest, ["role", "prefix"]);
  const said = contentOut(call, path, content ?? refusal);
  const thoughts = own.map(({ text, signature }): JsonObject => {
    const thinking = [{ type: "text", text: textIn(text) }];
    return { type: "thinking", thinking, ...(signature !== undefined && { signature }), closed: true };
  });
  const parts = typeof said === "string" && said !== "" ? [{ type: "text", text: said }] : objectsIn(said);
  const calls = objectsIn(tool_calls).map((one, at) => {
    const { id, ...more } = only(call, `${path}.tool_calls[${at}]`, one, ["id", "type", "function"], ["index"]);
    return { ...more, id: callId(textIn(id)) };
  });
  return {
    ...kept,
    ...(thoughts.length > 0 ? { content: [...thoughts, ...parts] } : said !== undefined && { content: said }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/**
 * Mistral takes ids of nine letters and digits alone. Any other becomes one that is the same every time; it only ties a result to
 * its call, so nobody is told.
 */
export function callId(id: string): string {
  if (/^[a-zA-Z0-9]{9}$/.test(id)) return id;
  return createHash("sha256").update(id).digest("hex").slice(0, 9);
}

function contentOut(call: Call, path: string, content: Json | undefined): Json | undefined {
  return eachPart(path, content, (place, part) => partOut(call, place, part));
}

/** Parts of Mistral's own types, such as `document_url` and `reference`, go through as they came; another vendor's do not. */
function partOut(call: Call, path: string, part: Readonly<JsonObject>): JsonObject | undefined {
  switch (part["type"]) {
    case "text":
      return only(call, path, part, ["type", "text"]);
    case "refusal":
      return { type: "text", text: textIn(part["refusal"]) };
    case "image_url":
      return only(call, path, part, ["type", "image_url"]);
    case "input_audio": {
      const { input_audio } = part;
      if (!isObject(input_audio)) return { ...part };
      // It hears for itself of which format the sound is.
      call.adjust("converted", `${path}.input_audio`);
      return { type: "input_audio", input_audio: textIn(input_audio["data"]) };
    }
    case "file":
      return fileOut(call, path, objectIn(part["file"]));
    default:
      if (!isTranslated(call)) return { ...part };
      call.adjust("dropped", path);
      return undefined;
  }
}

function fileOut(call: Call, path: string, file: Readonly<JsonObject>): JsonObject | undefined {
  const { filename, file_data, file_url, file_id } = file;
  const url = file_data ?? file_url;
  if (typeof url === "string") {
    if (file_id) call.adjust("dropped", `${path}.file.file_id`);
    return { type: "document_url", document_url: url, ...(filename !== undefined && { document_name: filename }) };
  }
  if (typeof file_id === "string") return { type: "file", file_id };
  call.adjust("dropped", path);
  return undefined;
}
