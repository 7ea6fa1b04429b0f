import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { argumentsIn } from "../openai/calls-in.ts";
import { textOf } from "../openai/media.ts";
import { withThoughts } from "../openai/reasoning.ts";
import { endingOf, headOf, logprobsFor, responseOf, usageFor } from "./response.ts";
import { reasoningItem } from "./thoughts.ts";

/**
 * A whole answer as a response.
 *
 * @param json In the common shape; its first choice is the answer.
 * @param request The caller's own, of which a response repeats much.
 * @param otherwise What ids are made of where the provider gives none.
 * @see https://platform.openai.com/docs/api-reference/responses/object
 */
export function responseReply(
  json: Readonly<JsonObject>,
  request: Readonly<JsonObject>,
  otherwise: string,
): JsonObject {
  const { choices, usage, service_tier } = json;
  const first: JsonObject = Array.isArray(choices) && isObject(choices[0]) ? choices[0] : {};
  const message = withThoughts(isObject(first["message"]) ? first["message"] : {}, json["model"]);
  const choice: JsonObject = { ...first, message };
  const head = headOf(json, request, otherwise);
  const { status, details } = endingOf(choice["finish_reason"]);
  const output = itemsOf(head.key, choice, wantsThoughts(request), status);
  const more: JsonObject = { incomplete_details: details, usage: usageFor(usage) };
  return responseOf(head, status, output, service_tier ? { ...more, service_tier } : more);
}

/** Whether the caller keeps what it takes to give thoughts back. */
export function wantsThoughts({ include }: Readonly<JsonObject>): boolean {
  return Array.isArray(include) && include.includes("reasoning.encrypted_content");
}

function itemsOf(key: string, choice: JsonObject, encrypted: boolean, status: string): JsonObject[] {
  const message = isObject(choice["message"]) ? choice["message"] : {};
  const items: JsonObject[] = [];
  const thought = (message["reasoning"] ?? message["reasoning_content"] ?? "") as string;
  const details = Array.isArray(message["reasoning_details"]) ? message["reasoning_details"] : [];
  if (thought !== "" || details.length > 0) items.push(reasoningItem(`rs_${key}_0`, thought, details, encrypted));
  const content = contentOf(message, choice["logprobs"]);
  if (content.length > 0)
    items.push({ id: `msg_${key}_${items.length}`, type: "message", status, role: "assistant", content });
  for (const call of Array.isArray(message["tool_calls"]) ? message["tool_calls"] : []) {
    if (isObject(call)) items.push(callItem(key, items.length, call));
  }
  return items;
}

function contentOf(message: JsonObject, logprobs: Json | undefined): JsonObject[] {
  const text = textOf(message["content"]);
  const { refusal } = message;
  const annotations = Array.isArray(message["annotations"]) ? message["annotations"].map(flatCitation) : [];
  const parts: JsonObject[] = [];
  if (text !== "") parts.push({ type: "output_text", text, annotations, logprobs: logprobsFor(logprobs) });
  if (typeof refusal === "string" && refusal !== "") parts.push({ type: "refusal", refusal });
  return parts;
}

/** A chat's citation has its facts in an object of its own. */
function flatCitation(annotation: Json): Json {
  if (!isObject(annotation) || !isObject(annotation["url_citation"])) return annotation;
  return { type: "url_citation", ...annotation["url_citation"] };
}

function callItem(key: string, at: number, call: JsonObject): JsonObject {
  const { id = "", custom } = call;
  if (isObject(custom)) {
    const { name = "", input = "" } = custom;
    return { id: `ctc_${key}_${at}`, type: "custom_tool_call", status: "completed", call_id: id, name, input };
  }
  const { name = "", arguments: args } = isObject(call["function"]) ? call["function"] : {};
  return {
    id: `fc_${key}_${at}`,
    type: "function_call",
    status: "completed",
    call_id: id,
    name,
    arguments: argumentsIn(args),
  };
}
