import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import type { Drop } from "./input.ts";

/** Tools in the common shape. Those that OpenAI runs itself have no place there: they are told as dropped. */
export function toolsOf(tools: Json | undefined, drop: Drop): JsonObject[] | undefined {
  if (!Array.isArray(tools) || tools.length === 0) return undefined;
  const found = tools.flatMap((tool, at): JsonObject[] => {
    const made = isObject(tool) ? toolOf(tool) : undefined;
    if (made === undefined) drop(`tools[${at}]`);
    return made === undefined ? [] : [made];
  });
  return found.length > 0 ? found : undefined;
}

function toolOf(tool: JsonObject): JsonObject | undefined {
  const { type, name, description } = tool;
  if (type === "function") {
    const { parameters, strict } = tool;
    const told = { name, description, parameters: parameters ?? undefined, strict: strict ?? undefined };
    return { type, function: present(told) };
  }
  if (type !== "custom") return undefined;
  return { type, custom: present({ name, description, format: formatOf(tool["format"]) }) };
}

/** A grammar stands in an object of its own in a chat. */
function formatOf(format: Json | undefined): Json | undefined {
  if (!isObject(format)) return undefined;
  const { type, ...grammar } = format;
  return type === "grammar" ? { type, grammar } : format;
}

/** `tool_choice` in the common shape; `undefined`: none, or one that was dropped. */
export function toolChoiceOf(choice: Json | undefined, drop: Drop): Json | undefined {
  if (choice === undefined || choice === null || typeof choice === "string") return choice ?? undefined;
  if (isObject(choice)) {
    const { type, name, mode, tools } = choice;
    if (type === "function" || type === "custom") return { type, [type]: { name: name ?? "" } };
    if (type === "allowed_tools") {
      const allowed = (Array.isArray(tools) ? tools : []).filter(isObject);
      return { type, allowed_tools: { mode: mode ?? "auto", tools: allowed.map(allowedTool) } };
    }
  }
  drop("tool_choice");
  return undefined;
}

function allowedTool({ type, name, ...rest }: JsonObject): JsonObject {
  return type === "function" || type === "custom"
    ? { type, [type]: { name: name ?? "" } }
    : present({ type, name, ...rest });
}

/** `text.format` as `response_format`; `undefined`: plain text. */
export function responseFormatOf(format: Json | undefined): JsonObject | undefined {
  if (!isObject(format) || format["type"] === "text") return undefined;
  const { type, ...schema } = format;
  return type === "json_schema" ? { type, json_schema: schema } : format;
}
