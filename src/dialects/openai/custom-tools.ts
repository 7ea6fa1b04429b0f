import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "./make.ts";

/** What a function takes that stands for a tool of free text. */
const INPUT = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };

/**
 * OpenAI's tools of free text (`type: "custom"`) as functions of one text, `input`, for providers that have functions alone. Told
 * as converted; a grammar is told as dropped.
 *
 * @see https://platform.openai.com/docs/guides/function-calling#custom-tools
 */
export function functionTools(call: Call, tools: Json | undefined): Json | undefined {
  if (!Array.isArray(tools) || !tools.some(isCustom)) return tools;
  return tools.map((tool, at) => {
    if (!isCustom(tool)) return tool;
    const { custom, type: _, ...rest } = tool;
    const { name, description, format } = custom;
    call.adjust("converted", `tools[${at}]`);
    if (isObject(format) && format["type"] !== "text") call.adjust("dropped", `tools[${at}].custom.format`);
    return { type: "function", function: present({ name, description, parameters: INPUT }), ...rest };
  });
}

/** Calls of such tools in a conversation as calls of those functions; told as converted. Their results fit as they are. */
export function functionCalls(call: Call, messages: Json | undefined): Json | undefined {
  if (!Array.isArray(messages)) return messages;
  return messages.map((message, at) => {
    const calls = isObject(message) ? message["tool_calls"] : undefined;
    if (!Array.isArray(calls) || !calls.some(isCustom)) return message;
    const tool_calls = calls.map((one, place) => {
      if (!isCustom(one)) return one;
      const { custom, type: _, ...rest } = one;
      call.adjust("converted", `messages[${at}].tool_calls[${place}]`);
      const args = JSON.stringify({ input: custom["input"] ?? "" });
      return { ...rest, type: "function", function: { name: custom["name"] ?? "", arguments: args } };
    });
    return { ...(message as JsonObject), tool_calls };
  });
}

/** A choice of such tools likewise; told as converted. */
export function functionChoice(call: Call, choice: Json | undefined): Json | undefined {
  if (isCustom(choice)) {
    call.adjust("converted", "tool_choice");
    return named(choice);
  }
  if (!isObject(choice) || !isObject(choice["allowed_tools"])) return choice;
  const { tools } = choice["allowed_tools"];
  if (!Array.isArray(tools) || !tools.some(isCustom)) return choice;
  call.adjust("converted", "tool_choice");
  const allowed_tools = { ...choice["allowed_tools"], tools: tools.map((one) => (isCustom(one) ? named(one) : one)) };
  return { ...choice, allowed_tools };
}

function named({ custom }: { custom: JsonObject }): JsonObject {
  return { type: "function", function: { name: custom["name"] ?? "" } };
}

function isCustom(one: Json | undefined): one is JsonObject & { custom: JsonObject } {
  return isObject(one) && isObject(one["custom"]) && !isObject(one["function"]);
}
