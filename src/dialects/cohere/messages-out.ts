import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import { eachMessage, eachPart } from "../openai/each-message.ts";
import { isTranslated } from "../openai/foreign.ts";
import { only } from "../openai/only.ts";
import { ownReasoning } from "../openai/reasoning.ts";

/**
 * The messages of a chat in Cohere's words (API v2). What they have no place for is told: names, marks for caches, sound, files.
 * Parts of a type that the common shape does not have are passed on, such as `document`, unless they are another vendor's.
 *
 * @see https://docs.cohere.com/reference/chat
 */
export function messagesOut(call: Call, messages: Json | undefined, model: string): JsonObject[] {
  return eachMessage(messages, (path, message) => messageOut(call, path, message, model));
}

function messageOut(call: Call, path: string, message: Readonly<JsonObject>, model: string): JsonObject {
  switch (message["role"]) {
    case "assistant":
      return assistantOut(call, path, message, model);
    case "tool": {
      const { content, ...rest } = message;
      const kept = only(call, path, rest, ["role", "tool_call_id"]);
      return { ...kept, content: contentOut(call, path, content) ?? "" };
    }
    case "developer":
      call.adjust("converted", `${path}.role`);
      return { role: "system", ...plain(call, path, message) };
    default:
      return { role: message["role"] ?? "user", ...plain(call, path, message) };
  }
}

function plain(call: Call, path: string, { content, ...rest }: Readonly<JsonObject>): JsonObject {
  only(call, path, rest, ["role"]);
  return { content: contentOut(call, path, content) ?? "" };
}

/** What the model thought goes back where it stood: before its calls as `tool_plan`, before its answer as content. */
function assistantOut(call: Call, path: string, message: Readonly<JsonObject>, model: string): JsonObject {
  const own = ownReasoning(message, "cohere", model);
  const given = Array.isArray(message["reasoning_details"]) ? message["reasoning_details"].length : 0;
  if (given > own.length) call.adjust("dropped", `${path}.reasoning_details`);
  if (own.length === 0 && given === 0 && message["reasoning"]) call.adjust("dropped", `${path}.reasoning`);
  const plan = own.filter((one) => one["source"] === "tool_plan").map((one) => textIn(one["text"]));
  const thoughts = own.filter((one) => one["source"] !== "tool_plan" && typeof one["text"] === "string");
  const { content, refusal, tool_calls, annotations, ...rest } = message;
  only(call, path, rest, ["role"], ["reasoning", "reasoning_details", "citations"]);
  if (content && refusal) call.adjust("dropped", `${path}.refusal`);
  const said = contentOut(call, path, content ?? refusal);
  const thinking = thoughts.map((one): JsonObject => ({ type: "thinking", thinking: one["text"]! }));
  const out: JsonObject = { role: "assistant" };
  if (thinking.length > 0) out["content"] = [...thinking, ...partsOf(said)];
  else if (said !== undefined) out["content"] = said;
  if (plan.length > 0) out["tool_plan"] = plan.join("");
  if (Array.isArray(tool_calls) && tool_calls.length > 0) {
    out["tool_calls"] = tool_calls
      .filter(isObject)
      .map((one, at) => only(call, `${path}.tool_calls[${at}]`, one, ["id", "type", "function"], ["index"]));
  }
  const citations = citationsOut(call, path, message["citations"], annotations);
  if (citations.length > 0) out["citations"] = citations;
  return out;
}

/** Cohere's own, as they came with its answer. */
function citationsOut(call: Call, path: string, native: Json | undefined, annotations: Json | undefined): Json[] {
  if (Array.isArray(native)) return native;
  if (!Array.isArray(annotations)) return [];
  const own = annotations.flatMap((one): Json[] =>
    isObject(one) && one["type"] === "citation" && one["citation"] !== undefined ? [one["citation"]] : [],
  );
  if (own.length < annotations.length) call.adjust("dropped", `${path}.annotations`);
  return own;
}

function partsOf(content: Json | undefined): Json[] {
  if (Array.isArray(content)) return content;
  return typeof content === "string" && content !== "" ? [{ type: "text", text: content }] : [];
}

function contentOut(call: Call, path: string, content: Json | undefined): Json | undefined {
  return eachPart(path, content, (place, part) => partOut(call, place, part));
}

function partOut(call: Call, path: string, part: Readonly<JsonObject>): JsonObject | undefined {
  switch (part["type"]) {
    case "text":
      return only(call, path, part, ["type", "text"]);
    case "refusal":
      return { type: "text", text: part["refusal"] ?? "" };
    case "image_url":
      return only(call, path, part, ["type", "image_url"]);
    case "input_audio":
    case "file":
      call.adjust("dropped", path);
      return undefined;
    default:
      if (!isTranslated(call)) return { ...part };
      call.adjust("dropped", path);
      return undefined;
  }
}
