import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { only } from "../openai/only.ts";
import { cachePoint } from "./content-out.ts";

/** A function that takes nothing. */
const NOTHING = { type: "object", properties: {} };

/** What else decides on the tools. */
export interface Surroundings {
  readonly choice: Json | undefined;
  /** Whether messages have calls or results. */
  readonly spoken: boolean;
  /** Whether the model takes marks for its cache, and strict tools. */
  readonly marks: boolean;
  readonly strict: boolean;
}

/**
 * `toolConfig`. Converse cannot be told to call none: the tools are left out then, or, where the conversation has calls already
 * and so needs them, the wish is dropped. A choice of some tools leaves the others out.
 *
 */
export function toolsOut(call: Call, tools: Json | undefined, around: Surroundings): JsonObject | undefined {
  const { choice, spoken } = around;
  const given = Array.isArray(tools) ? tools : [];
  if (given.length === 0) return undefined;
  if (choice === "none") {
    call.adjust(spoken ? "dropped" : "converted", "tool_choice");
    if (!spoken) return undefined;
  }
  const allowed = allowedBy(choice);
  const sent = given.flatMap((tool, at) =>
    isObject(tool) ? toolOut(call, `tools[${at}]`, tool, allowed, around) : [],
  );
  if (sent.length === 0) return undefined;
  if (allowed !== undefined) call.adjust("converted", "tool_choice");
  const toolChoice = choiceOut(call, choice);
  return toolChoice === undefined ? { tools: sent } : { tools: sent, toolChoice };
}

function toolOut(
  call: Call,
  path: string,
  tool: Readonly<JsonObject>,
  allowed: ReadonlySet<Json | undefined> | undefined,
  { marks, strict: strictly }: Surroundings,
): JsonObject[] {
  const { function: named, cache_control } = tool;
  if (!isObject(named)) {
    // Tools of the model's maker, and whole blocks of Converse, such as {"type": "systemTool", "systemTool": {"name": ...}}.
    const { type } = tool;
    const own = typeof type === "string" ? tool[type] : undefined;
    if (isObject(own) && (type === "systemTool" || type === "toolSpec")) return [{ [type]: own }];
    call.adjust("dropped", path);
    return [];
  }
  if (allowed?.has(named["name"]) === false) return [];
  only(call, path, tool, [], ["type", "function", "cache_control"]);
  const said = only(call, `${path}.function`, named, ["name", "description", "strict"], ["parameters"]);
  const { name = "", description, strict } = said;
  const toolSpec: JsonObject = { name };
  if (typeof description === "string" && description !== "") toolSpec["description"] = description;
  toolSpec["inputSchema"] = { json: named["parameters"] ?? NOTHING };
  if (strict === true && strictly) toolSpec["strict"] = true;
  else if (strict === true) call.adjust("dropped", `${path}.function.strict`);
  const mark = cachePoint(cache_control);
  if (mark.length > 0 && !marks) call.adjust("dropped", `${path}.cache_control`);
  return [{ toolSpec }, ...(marks ? mark : [])];
}

function allowedBy(choice: Json | undefined): ReadonlySet<Json | undefined> | undefined {
  const some = isObject(choice) && isObject(choice["allowed_tools"]) ? choice["allowed_tools"]["tools"] : undefined;
  if (!Array.isArray(some)) return undefined;
  return new Set(some.map((tool) => (isObject(tool) && isObject(tool["function"]) ? tool["function"]["name"] : tool)));
}

function choiceOut(call: Call, choice: Json | undefined): JsonObject | undefined {
  if (choice === "required") return { any: {} };
  if (!isObject(choice)) return undefined;
  const { function: named, allowed_tools } = choice;
  if (isObject(named)) return { tool: { name: named["name"] ?? "" } };
  if (isObject(allowed_tools)) return allowed_tools["mode"] === "required" ? { any: {} } : undefined;
  call.adjust("dropped", "tool_choice");
  return undefined;
}
