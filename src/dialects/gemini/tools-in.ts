import type { Json, JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, lists, textIn } from "./fields.ts";
import { schemaIn } from "./schema-in.ts";

/** What of a function every API knows. */
const SHARED = ["name", "description", "parameters", "parametersJsonSchema"];

/** What only Google knows of functions, such as what they answer: by their names, apart from the tools. `undefined`: nothing. */
export function ownDeclarations(tools: Json | undefined): Json | undefined {
  const declared = lists(tools).flatMap((tool) => lists(tool["functionDeclarations"]));
  const own = declared.flatMap((one): JsonObject[] => {
    const more = Object.entries(one).filter(([name]) => !SHARED.includes(name));
    return more.length === 0 ? [] : [{ name: one["name"], ...Object.fromEntries(more) }];
  });
  return own.length === 0 ? undefined : own;
}

/** Google's tools in the common shape: functions one by one, its own tools each under its name as type. `undefined`: none. */
export function toolsIn(tools: Json | undefined): Json | undefined {
  const made: JsonObject[] = lists(tools).flatMap((tool) =>
    Object.entries(tool).flatMap(([name, value]): JsonObject[] => {
      if (name === "functionDeclarations") return lists(value).map(functionIn);
      return [{ type: name, [name]: value }];
    }),
  );
  return made.length === 0 ? undefined : made;
}

function functionIn({ name, description, parameters, parametersJsonSchema }: JsonObject): JsonObject {
  const schema = parametersJsonSchema ?? (parameters === undefined ? undefined : schemaIn(parameters));
  return { type: "function", function: present({ name, description, parameters: schema }) };
}

/** `toolConfig` as `tool_choice`; in `rest` what only Google knows of it. */
export function choiceIn(value: Json | undefined): { readonly choice: Json | undefined; readonly rest: JsonObject } {
  const { functionCallingConfig, ...rest } = fields(value);
  const { mode, allowedFunctionNames, ...more } = fields(functionCallingConfig);
  const names = Array.isArray(allowedFunctionNames)
    ? allowedFunctionNames.filter((one) => typeof one === "string")
    : [];
  const word = textIn(mode)?.toUpperCase();
  const choice = choiceOf(word, names);
  const left = word === "VALIDATED" && names.length === 0 ? { mode: "VALIDATED", ...more } : more;
  return { choice, rest: Object.keys(left).length === 0 ? rest : { ...rest, functionCallingConfig: left } };
}

function choiceOf(mode: string | undefined, names: readonly string[]): Json | undefined {
  if (mode === "NONE") return "none";
  if (mode !== "ANY" && mode !== "VALIDATED") return undefined;
  const tools = names.map((name) => ({ type: "function", function: { name } }));
  if (mode === "VALIDATED") {
    return tools.length === 0 ? undefined : { type: "allowed_tools", allowed_tools: { mode: "auto", tools } };
  }
  if (tools.length === 0) return "required";
  return tools.length === 1 ? tools[0] : { type: "allowed_tools", allowed_tools: { mode: "required", tools } };
}
