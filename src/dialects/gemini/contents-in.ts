import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, textIn } from "./fields.ts";
import { modelMessage } from "./model-in.ts";
import { partIn } from "./parts-in.ts";

/** Calls that wait for their results, oldest first. */
type Open = { readonly id: string; readonly name: string }[];

/**
 * Google's `contents` as messages. A call without an id is given one by its place, and the result of a function without one belongs
 * to the oldest call of the name that has no result yet.
 *
 * Throws FIELD_INVALID for what is no list of contents, and for a role that Google does not have.
 */
export function messagesOf(contents: Json | undefined): JsonObject[] {
  const list = isObject(contents) ? [contents] : contents;
  if (!Array.isArray(list) || list.length === 0) throw invalid("contents", "must be a list with at least one content");
  const open: Open = [];
  return list.flatMap((content, at) => {
    if (!isObject(content)) throw invalid(`contents[${at}]`, "must be an object with parts");
    const { role } = content;
    const own = partsIn(content);
    if (role === "model") {
      // The SDKs keep each piece of a stream as a content; together they are one message.
      if (isModel(list[at - 1])) return [];
      const end = list.findIndex((one, place) => place > at && !isModel(one));
      const parts = list.slice(at, end < 0 ? undefined : end).flatMap(partsIn);
      return [modelMessage(parts, at, open)];
    }
    if (role === "system") return [{ role: "system", content: contentIn(own) }];
    if (role === undefined || role === "" || role === "user" || role === "function" || role === "tool") {
      return userMessages(own, at, open);
    }
    throw invalid(`contents[${at}].role`, "must be user or model");
  });
}

function isModel(content: Json | undefined): boolean {
  return isObject(content) && content["role"] === "model";
}

function partsIn(content: Json): Json[] {
  const parts = isObject(content) ? content["parts"] : undefined;
  return isObject(parts) ? [parts] : Array.isArray(parts) ? parts : [];
}

/** `systemInstruction`: a content, or a text alone. `undefined`: none. */
export function instructionOf(value: Json | undefined): JsonObject | undefined {
  if (typeof value === "string") return { role: "system", content: value };
  if (!isObject(value)) return undefined;
  const { parts } = value;
  const own = isObject(parts) ? [parts] : Array.isArray(parts) ? parts : [value];
  return own.length === 0 ? undefined : { role: "system", content: contentIn(own) };
}

/** Results of functions are messages of their own, at their place among the other parts. */
function userMessages(parts: readonly Json[], at: number, open: Open): JsonObject[] {
  const messages: JsonObject[] = [];
  let others: Json[] = [];
  const flush = () => {
    if (others.length > 0) messages.push({ role: "user", content: contentIn(others) });
    others = [];
  };
  for (const [place, part] of parts.entries()) {
    const { functionResponse } = fields(part);
    if (!isObject(functionResponse)) others.push(part);
    else {
      flush();
      messages.push(resultIn(fields(functionResponse), `call_${at}_${place}`, open));
    }
  }
  flush();
  return messages.length === 0 ? [{ role: "user", content: "" }] : messages;
}

function contentIn(parts: readonly Json[]): Json {
  const made = parts.flatMap((part) => partIn(part) ?? []);
  const only = made.length === 1 ? (made[0] as JsonObject) : undefined;
  return only?.["type"] === "text" && Object.keys(only).length === 2 ? only["text"]! : (made as Json[]);
}

function resultIn({ id, name, response, parts }: JsonObject, fallback: string, open: Open): JsonObject {
  const known = textIn(id);
  const at = open.findIndex((one) => (known === undefined ? one.name === name : one.id === known));
  const call = at < 0 ? undefined : open.splice(at, 1)[0];
  const media = Array.isArray(parts) ? parts.flatMap((part) => partIn(part) ?? []) : [];
  const { text, failed } = saidIn(response);
  return present({
    role: "tool",
    tool_call_id: known ?? call?.id ?? fallback,
    // Google knows results by it, where there is no call that has it.
    name: call === undefined ? name : undefined,
    content: media.length === 0 ? text : [{ type: "text", text }, ...(media as Json[])],
    is_error: failed ? true : undefined,
  });
}

/** What came of a call: under `output` or `error` alone it is a text, and else the JSON that it is. */
function saidIn(response: Json | undefined): { text: string; failed: boolean } {
  const plain = isObject(response) && Object.keys(response).length === 1 ? response : {};
  const { output, error } = plain;
  if (typeof error === "string") return { text: error, failed: true };
  if (typeof output === "string" && !output.startsWith("{")) return { text: output, failed: false };
  return { text: JSON.stringify(response ?? {}), failed: false };
}

function invalid(field: string, description: string): Error {
  return errors.fieldInvalid([{ field, description }]);
}
