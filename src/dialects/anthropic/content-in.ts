import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import { thoughtIn } from "./sealing.ts";

/**
 * One turn as messages of the common shape: results of tools become messages of their own, between what stands before and after
 * them. Throws FIELD_INVALID for what is no turn.
 *
 * @param path Of the turn, such as `messages.0`.
 */
export function turnIn(turn: Json | undefined, path: string): JsonObject[] {
  if (!isObject(turn)) throw wrong(path, "must be an object");
  const { role, content } = turn;
  if (role !== "user" && role !== "assistant" && role !== "system") {
    throw wrong(`${path}.role`, "must be user or assistant, or system within a conversation");
  }
  if (typeof content === "string") return [{ role, content }];
  const blocks = blocksIn(content, `${path}.content`);
  if (role === "assistant") return [assistantIn(blocks)];
  return role === "system" ? [{ role, content: blocks.map(partIn) }] : userIn(blocks);
}

/** A list of blocks. Throws FIELD_INVALID when it is something else. */
export function blocksIn(content: Json | undefined, path: string): JsonObject[] {
  if (!Array.isArray(content)) throw wrong(path, "must be a text or a list of blocks");
  for (let at = 0; at < content.length; at++) {
    const block = content[at];
    if (!isObject(block) || typeof block["type"] !== "string")
      throw wrong(`${path}.${at}`, "must be a block with a type");
    if (block["type"] === "text" && typeof block["text"] !== "string")
      throw wrong(`${path}.${at}.text`, "must be a text");
  }
  return content as JsonObject[];
}

function wrong(field: string, description: string) {
  return errors.fieldInvalid([{ field, description }]);
}

function userIn(blocks: readonly JsonObject[]): JsonObject[] {
  const messages: JsonObject[] = [];
  let parts: JsonObject[] = [];
  const flush = () => {
    if (parts.length > 0) messages.push({ role: "user", content: parts });
    parts = [];
  };
  for (const block of blocks) {
    if (block["type"] !== "tool_result") parts.push(partIn(block));
    else {
      flush();
      messages.push(resultIn(block));
    }
  }
  flush();
  return messages;
}

function resultIn({ type: _, tool_use_id, content, is_error, ...rest }: JsonObject): JsonObject {
  const said = Array.isArray(content)
    ? content.filter(isObject).map(partIn)
    : typeof content === "string"
      ? content
      : "";
  const failed = typeof is_error === "boolean" ? { is_error } : {};
  return { role: "tool", tool_call_id: tool_use_id ?? "", content: said, ...failed, ...rest };
}

function assistantIn(blocks: readonly JsonObject[]): JsonObject {
  const details: JsonObject[] = [];
  const parts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  let thought = "";
  /** Whether something follows a call: then the calls tell their places. */
  const first = blocks.findIndex(isCall);
  const mixed = first >= 0 && !blocks.slice(first).every(isCall);
  blocks.forEach((block, index) => {
    if (isCall(block)) calls.push(callIn(block, mixed ? { block_index: index } : {}));
    else if (block["type"] === "thinking" || block["type"] === "redacted_thinking") {
      const detail = thoughtIn(block, index);
      // Without a seal it is nobody's, and cannot be given back but as words.
      if (detail["format"] === "") thought += textIn(detail["text"]);
      else details.push(detail);
    } else parts.push(partIn(block));
  });
  const message: JsonObject = { role: "assistant", content: parts.length > 0 ? parts : null };
  if (thought !== "") message["reasoning"] = thought;
  if (details.length > 0) message["reasoning_details"] = details;
  if (calls.length > 0) message["tool_calls"] = calls;
  return message;
}

function isCall({ type }: JsonObject): boolean {
  return type === "tool_use";
}

function callIn({ type: _, id, name, input, ...rest }: JsonObject, more: JsonObject): JsonObject {
  const called = { name: name ?? "", arguments: JSON.stringify(input ?? {}) };
  return { id: id ?? "", type: "function", function: called, ...rest, ...more };
}

/** A block as a part; what OpenAI's API has no place for stays whole. */
export function partIn(block: JsonObject): JsonObject {
  const { type, source, ...rest } = block;
  if (type === "image" && isObject(source)) {
    const url = urlOf(source);
    return url === undefined ? block : { type: "image_url", image_url: { url }, ...rest };
  }
  if (type === "document" && isObject(source)) {
    const { title, ...more } = rest;
    const file = fileOf(source);
    if (file === undefined) return block;
    return { type: "file", file: { ...(typeof title === "string" && { filename: title }), ...file }, ...more };
  }
  return block;
}

function urlOf({ type, media_type, data, url }: JsonObject): string | undefined {
  if (type === "base64" && typeof media_type === "string") return `data:${media_type};base64,${textual(data)}`;
  return type === "url" && typeof url === "string" ? url : undefined;
}

function fileOf({ type, media_type, data, url, file_id }: JsonObject): JsonObject | undefined {
  if (type === "base64" && typeof media_type === "string") {
    return { file_data: `data:${media_type};base64,${textual(data)}` };
  }
  if (type === "text" && typeof data === "string") {
    return { file_data: `data:text/plain;base64,${Buffer.from(data, "utf8").toString("base64")}` };
  }
  if (type === "url" && typeof url === "string") return { file_url: url };
  return type === "file" && typeof file_id === "string" ? { file_id } : undefined;
}

function textual(data: Json | undefined): string {
  return typeof data === "string" ? data : "";
}
