import type { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { functionCalls, functionChoice, functionTools } from "../openai/custom-tools.ts";
import { present } from "../openai/make.ts";
import { GEMINI_ONLY } from "../openai/members.ts";
import { Taken } from "../openai/take.ts";
import { configOut } from "./config-out.ts";
import { contentsOf } from "./contents-out.ts";
import { fields } from "./fields.ts";
import { toolChoiceOut, toolsOut } from "./tools-out.ts";

/**
 * A chat in the words of `generateContent`. Members that the common shape does not know are passed on as they came:
 * `safetySettings`, `cachedContent`, `labels`.
 *
 * Throws FIELD_INVALID for a result of a call that nobody made.
 *
 * @param model Its name in the route's config.
 * @param json The body, or what was made of it.
 * @see https://ai.google.dev/api/generate-content
 */
export function generateContent(call: Call, model: string, json: Readonly<JsonObject> = call.body.json): JsonObject {
  const taken = new Taken(call, json);
  const { contents, systemInstruction } = contentsOf(call, functionCalls(call, taken.take("messages")), model);
  const tools = toolsOut(call, functionTools(call, taken.take("tools")), taken.take("functionDeclarations"));
  const choice = toolChoiceOut(call, functionChoice(call, taken.take("tool_choice")));
  const given = fields(taken.take("toolConfig") ?? taken.take("tool_config"));
  const calling = choice && { ...fields(given["functionCallingConfig"]), ...choice };
  const toolConfig = calling === undefined ? given : { ...given, functionCallingConfig: calling };
  const google = fields(fields(taken.take("extra_body"))["google"]);
  const generationConfig = configOut(call, taken, model);
  const own: JsonObject = {};
  for (const name of GEMINI_ONLY) {
    const value = taken.take(name);
    if (value !== undefined && !SAID.has(name)) own[name] = value;
  }
  return present({
    contents,
    systemInstruction,
    tools,
    toolConfig: Object.keys(toolConfig).length === 0 ? undefined : toolConfig,
    generationConfig,
    cachedContent: google["cachedContent"],
    ...own,
    ...taken.rest(),
  });
}

/** Of Google's own members those that were said already. */
const SAID = new Set(["functionDeclarations", "generationConfig", "toolConfig", "generation_config", "tool_config"]);
