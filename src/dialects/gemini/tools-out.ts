import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { present } from "../openai/make.ts";
import { only } from "../openai/only.ts";
import { camel, lists, textIn } from "./fields.ts";

/**
 * Tools in Google's words: functions in one list, with their parameters as the JSON Schema that they are
 * (`parametersJsonSchema`: Google's own schema has no `$ref`, `oneOf` or `additionalProperties`); then Google's own tools, such as
 * `{"type": "google_search"}` or `{"googleSearch": {}}`. `undefined`: there are none.
 *
 * @param declared What a caller of Google's API said of functions beside.
 * @see https://ai.google.dev/api/caching#Tool
 */
export function toolsOut(call: Call, tools: Json | undefined, declared: Json | undefined): Json | undefined {
  if (!Array.isArray(tools) || tools.length === 0) return undefined;
  const functions: JsonObject[] = [];
  const others: JsonObject[] = [];
  for (const [at, tool] of tools.entries()) {
    if (!isObject(tool)) continue;
    const { type, function: of, ...rest } = tool;
    if (isObject(of)) {
      const own = lists(declared).find(({ name }) => name === of["name"]);
      functions.push({ ...functionOut(call, of, `tools[${at}].function`), ...own });
      only(call, `tools[${at}]`, tool, ["type", "function"]);
    } else {
      // OpenAI's free-form tools have no counterpart.
      const own = type === "custom" ? undefined : ownTool(type, rest);
      if (own) others.push(own);
      else call.adjust("dropped", `tools[${at}]`);
    }
  }
  const all = functions.length === 0 ? others : [{ functionDeclarations: functions }, ...others];
  return all.length === 0 ? undefined : all;
}

function functionOut(call: Call, of: JsonObject, path: string): JsonObject {
  const known = ["name", "description", "parameters", "response", "responseJsonSchema", "behavior"];
  // Not to be strict is what Google does.
  const { parameters, ...rest } = only(call, path, of, known, of["strict"] === false ? ["strict"] : []);
  // Any object, or none: Google wants no schema for that.
  const parametersJsonSchema = isObject(parameters) && Object.keys(parameters).length === 0 ? undefined : parameters;
  return present({ ...rest, parametersJsonSchema });
}

/** Google's own tools have one member, which is their name. */
function ownTool(type: Json | undefined, rest: JsonObject): JsonObject | undefined {
  const name = camel(textIn(type) ?? "");
  if (name !== "" && isObject(rest[textIn(type)!])) return { [name]: rest[textIn(type)!] };
  if (GOOGLE_TOOLS.has(name)) return { [name]: isObject(rest[name]) ? rest[name] : rest };
  return name === "" && Object.keys(rest).some((key) => GOOGLE_TOOLS.has(camel(key))) ? rest : undefined;
}

const GOOGLE_TOOLS = new Set(
  words(`
    googleSearch googleSearchRetrieval codeExecution urlContext googleMaps fileSearch mcpServers computerUse
    enterpriseWebSearch retrieval parallelAiSearch exaAiSearch
  `),
);

/**
 * `tool_choice` as `functionCallingConfig`; `undefined`: the model decides, or the choice has no place there, which is told.
 *
 * @see https://ai.google.dev/api/caching#FunctionCallingConfig
 */
export function toolChoiceOut(call: Call, choice: Json | undefined): JsonObject | undefined {
  if (choice === undefined || choice === "auto") return undefined;
  if (choice === "none") return { mode: "NONE" };
  if (choice === "required") return { mode: "ANY" };
  if (isObject(choice)) {
    const name = nameOf(choice);
    if (name !== undefined) return { mode: "ANY", allowedFunctionNames: [name] };
    const { allowed_tools } = choice;
    const { tools, mode } = isObject(allowed_tools) ? allowed_tools : choice;
    const names = Array.isArray(tools) ? tools.filter(isObject).flatMap((one) => nameOf(one) ?? []) : [];
    // Which functions it may call Google takes where it must call one, or where its calls are held to the schema.
    if (names.length > 0) return { mode: mode === "required" ? "ANY" : "VALIDATED", allowedFunctionNames: names };
  }
  call.adjust("dropped", "tool_choice");
  return undefined;
}

function nameOf({ function: of, name }: JsonObject): string | undefined {
  return textIn(isObject(of) ? of["name"] : name);
}
