import { errors, type Violation } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { blocksIn, turnIn } from "./content-in.ts";

/**
 * A request to the Messages API in the common shape. What is Anthropic's alone keeps its name; `thinking` does, too. Throws
 * FIELD_INVALID when it is not one; what its members mean is the provider's to judge.
 * @see https://docs.claude.com/en/api/messages
 */
export function requestIn(json: Readonly<JsonObject>): JsonObject {
  const wrong = violations(json);
  if (wrong.length > 0) throw errors.fieldInvalid(wrong as [Violation, ...Violation[]]);
  const { system, messages, tools, tool_choice, output_config, stop_sequences, temperature, metadata, ...rest } = json;
  const { service_tier, stream, ...others } = rest;
  const common: JsonObject = { ...others, messages: conversationIn(system, messages as Json[]) };
  if (Array.isArray(tools)) common["tools"] = tools.map(toolIn);
  if (isObject(tool_choice)) choiceIn(common, tool_choice);
  if (isObject(output_config)) outputIn(common, output_config);
  if (Array.isArray(stop_sequences) && stop_sequences.length > 0) common["stop"] = stop_sequences;
  // Their range ends at 1, the common shape's at 2.
  if (typeof temperature === "number") common["temperature"] = temperature * 2;
  if (isObject(metadata)) metadataIn(common, metadata);
  if (typeof service_tier === "string")
    common["service_tier"] = service_tier === "standard_only" ? "default" : service_tier;
  if (stream === true) {
    common["stream"] = true;
    common["stream_options"] = { include_usage: true };
  }
  return common;
}

/** What is no number, list or object where the API has one. */
const KINDS: readonly (readonly [name: string, kind: string, is: (value: Json) => boolean])[] = [
  ["messages", "list with at least one message", (value) => Array.isArray(value) && value.length > 0],
  ["max_tokens", "whole number", (value) => Number.isInteger(value) && (value as number) >= 0],
  ["temperature", "number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1],
  ["top_p", "number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1],
  ["tools", "list of objects", (value) => Array.isArray(value) && value.every(isObject)],
  ["tool_choice", "object", isObject],
  ["stop_sequences", "list of texts", (value) => Array.isArray(value) && value.every((one) => typeof one === "string")],
  ["metadata", "object", isObject],
  ["output_config", "object", isObject],
  ["stream", "truth value", (value) => typeof value === "boolean"],
];

function violations(json: Readonly<JsonObject>): Violation[] {
  const found: Violation[] = [];
  for (const [field, kind, is] of KINDS) {
    const value = json[field];
    if (value === undefined || value === null) {
      if (field === "messages" || field === "max_tokens") found.push({ field, description: "Field required" });
    } else if (!is(value)) found.push({ field, description: `must be a ${kind}` });
  }
  return found;
}

function conversationIn(system: Json | undefined, messages: readonly Json[]): JsonObject[] {
  const common: JsonObject[] = [];
  if (typeof system === "string") common.push({ role: "system", content: system });
  else if (system !== undefined && system !== null)
    common.push({ role: "system", content: blocksIn(system, "system") });
  for (let at = 0; at < messages.length; at++) common.push(...turnIn(messages[at], `messages.${at}`));
  return common;
}

function toolIn(tool: Json): JsonObject {
  const { type, name, description, input_schema, strict, ...rest } = tool as JsonObject;
  if (type !== undefined && type !== null && type !== "custom") return tool as JsonObject;
  return {
    type: "function",
    function: {
      name: name ?? "",
      ...(typeof description === "string" && { description }),
      parameters: input_schema ?? { type: "object" },
      ...(typeof strict === "boolean" && { strict }),
    },
    ...rest,
  };
}

function choiceIn(common: JsonObject, { type, name, disable_parallel_tool_use }: JsonObject): void {
  common["tool_choice"] =
    type === "any"
      ? "required"
      : type === "tool"
        ? { type: "function", function: { name: name ?? "" } }
        : (type ?? "auto");
  if (typeof disable_parallel_tool_use === "boolean") common["parallel_tool_calls"] = !disable_parallel_tool_use;
}

function outputIn(common: JsonObject, { effort, format, ...rest }: JsonObject): void {
  if (typeof effort === "string") common["reasoning_effort"] = effort;
  if (isObject(format) && format["type"] === "json_schema") {
    const json_schema = { name: "answer", schema: format["schema"] ?? {}, strict: isStrict(format["schema"]) };
    common["response_format"] = { type: "json_schema", json_schema };
  } else if (format !== undefined && format !== null) rest["format"] = format;
  if (Object.keys(rest).length > 0) common["output_config"] = rest;
}

/** Whether OpenAI can hold an answer to it: there, every object names all its members as required and has no others. */
function isStrict(schema: Json | undefined): boolean {
  if (Array.isArray(schema)) return schema.every(isStrict);
  if (!isObject(schema)) return true;
  const { type, properties, required, additionalProperties } = schema;
  if (type === "object" || properties !== undefined) {
    const names = isObject(properties) ? Object.keys(properties) : [];
    const must = Array.isArray(required) ? required : [];
    if (additionalProperties !== false || !names.every((name) => must.includes(name))) return false;
  }
  return Object.values(schema).every((one) => isStrict(one));
}

function metadataIn(common: JsonObject, { user_id, ...rest }: JsonObject): void {
  if (typeof user_id === "string") common["user"] = user_id;
  if (Object.keys(rest).length > 0) common["metadata"] = rest;
}
