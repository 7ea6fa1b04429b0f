import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { functionChoice, functionTools } from "../openai/custom-tools.ts";
import type { Taken } from "../openai/take.ts";

/** The tools, and how the model may use them, in the API's words; an absent member is not sent. */
export interface Tools {
  readonly tools: JsonObject[] | undefined;
  readonly tool_choice: JsonObject | undefined;
}

/** Takes `tools`, `tool_choice` and `parallel_tool_calls`. */
export function toolsOf(call: Call, taken: Taken): Tools {
  const asked = functionTools(call, taken.take("tools"));
  const choice = functionChoice(call, taken.take("tool_choice"));
  const parallel = taken.take("parallel_tool_calls");
  const tools: JsonObject[] = [];
  for (const [at, one] of (Array.isArray(asked) ? asked : []).entries()) {
    const tool = toolOf(one);
    if (tool === undefined) call.adjust("dropped", `tools[${at}]`);
    else tools.push(tool);
  }
  if (tools.length === 0) {
    // Without tools there is nothing to choose from, and the API refuses a choice.
    if (choice !== undefined && choice !== "auto" && choice !== "none") call.adjust("dropped", "tool_choice");
    return { tools: undefined, tool_choice: undefined };
  }
  return { tools, tool_choice: withParallel(choiceOf(call, choice), parallel) };
}

function toolOf(tool: Json | undefined): JsonObject | undefined {
  if (!isObject(tool)) return undefined;
  const { type, function: called, ...rest } = tool;
  // The API's own tools are whole; OpenAI's free-form ones have no counterpart.
  if (type !== "function") return typeof type === "string" && type !== "custom" ? tool : undefined;
  if (!isObject(called)) return undefined;
  const { name, description, parameters, strict, ...more } = called;
  return {
    name: name ?? "",
    ...(typeof description === "string" && { description }),
    input_schema: schemaOf(parameters),
    ...(typeof strict === "boolean" && { strict }),
    ...more,
    ...rest,
  };
}

/** The API demands an object's schema with its type. */
function schemaOf(parameters: Json | undefined): JsonObject {
  if (!isObject(parameters)) return { type: "object", properties: {} };
  return parameters["type"] === undefined ? { type: "object", ...parameters } : parameters;
}

function choiceOf(call: Call, choice: Json | undefined): JsonObject | undefined {
  if (choice === undefined) return undefined;
  if (choice === "auto" || choice === "none") return { type: choice };
  if (choice === "required") return { type: "any" };
  if (isObject(choice)) {
    const { type, function: called, allowed_tools } = choice;
    if (type === "function" && isObject(called)) return { type: "tool", name: called["name"] ?? "" };
    if (type === "allowed_tools" && isObject(allowed_tools)) {
      call.adjust("converted", "tool_choice");
      return { type: allowed_tools["mode"] === "required" ? "any" : "auto" };
    }
  }
  call.adjust("dropped", "tool_choice");
  return undefined;
}

function withParallel(choice: JsonObject | undefined, parallel: Json | undefined): JsonObject | undefined {
  if (typeof parallel !== "boolean" || choice?.["type"] === "none") return choice;
  if (parallel && choice === undefined) return undefined;
  return { ...(choice ?? { type: "auto" }), disable_parallel_tool_use: !parallel };
}
