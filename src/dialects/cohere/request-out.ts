import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { functionCalls, functionChoice, functionTools } from "../openai/custom-tools.ts";
import { present } from "../openai/make.ts";
import { only } from "../openai/only.ts";
import { Taken } from "../openai/take.ts";
import { messagesOut } from "./messages-out.ts";

/**
 * A chat in Cohere's words (API v2). `documents`, `citation_options`, `safety_mode`, `strict_tools` and whatever else is Cohere's
 * own goes through as it came.
 *
 * @param json In the common shape.
 * @see https://docs.cohere.com/reference/chat
 */
export function chatRequest(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const taken = new Taken(call, json);
  const request = present({
    model,
    messages: messagesOut(call, functionCalls(call, taken.take("messages")), model),
    ...toolsOut(call, functionTools(call, taken.take("tools")), functionChoice(call, taken.take("tool_choice"))),
    response_format: formatOut(call, taken.take("response_format")),
    // The range of v1 went to 5, that of v2 ends at 1: half of the common shape's is what MLflow's 2.5 times was of v1's.
    temperature: taken.temperature(1),
    p: taken.number("top_p"),
    k: taken.number("top_k"),
    max_tokens: taken.maxTokens(),
    stop_sequences: taken.stop() as Json[] | undefined,
    seed: taken.number("seed"),
    frequency_penalty: penalty(call, taken, "frequency_penalty"),
    presence_penalty: penalty(call, taken, "presence_penalty"),
    logprobs: taken.take("logprobs") === true ? true : undefined,
    thinking: thinkingOut(call, taken),
    stream: call.stream ? true : undefined,
  });
  return { ...request, ...taken.rest() };
}

/** -2 to 2 becomes 0 to 1: Cohere only discourages. A caller of MLflow speaks the provider's own range. */
export function penalty(call: Call, taken: Taken, name: string): number | undefined {
  const value = taken.number(name);
  if (value === undefined || value === 0 || call.arrival.dialect === "mlflow") return value;
  call.adjust(value < 0 ? "dropped" : "converted", name);
  return value < 0 ? undefined : value / 2;
}

function toolsOut(call: Call, tools: Json | undefined, choice: Json | undefined): JsonObject {
  if (!Array.isArray(tools) || tools.length === 0) return {};
  const functions = tools.filter(isObject).flatMap((tool, at) => {
    if (isObject(tool["function"])) return [{ tool, at, body: tool["function"] }];
    call.adjust("dropped", `tools[${at}]`);
    return [];
  });
  const strict = functions.filter(({ body }) => body["strict"] === true);
  // Cohere knows strictness for all tools or none.
  const all = strict.length > 0 && strict.length === functions.length;
  if (strict.length > 0 && !all) call.adjust("dropped", `tools[${strict[0]!.at}].function.strict`);
  const only1 = isObject(choice) && isObject(choice["function"]) ? choice["function"]["name"] : undefined;
  const sent = functions.filter(({ body }) => only1 === undefined || body["name"] === only1);
  if (sent.length === 0) {
    // Without tools there is nothing to choose from, and Cohere refuses a choice.
    if (choice !== undefined && choice !== "auto" && choice !== "none") call.adjust("dropped", "tool_choice");
    return {};
  }
  if (only1 !== undefined) call.adjust("converted", "tool_choice");
  else if (isObject(choice)) call.adjust("dropped", "tool_choice");
  const tool_choice =
    only1 !== undefined || choice === "required" ? "REQUIRED" : choice === "none" ? "NONE" : undefined;
  return present({
    tools: sent.map(({ tool, at, body }) => {
      only(call, `tools[${at}]`, tool, ["type", "function"]);
      const said = only(call, `tools[${at}].function`, body, ["name", "description", "parameters"], ["strict"]);
      return { type: "function", function: { parameters: { type: "object", properties: {} }, ...said } };
    }),
    strict_tools: all ? true : undefined,
    tool_choice,
  });
}

/** Cohere takes the bare schema, and its answers always keep to it. */
function formatOut(call: Call, format: Json | undefined): JsonObject | undefined {
  if (!isObject(format)) return undefined;
  const { type, json_schema } = format;
  if (type === "json_schema") only(call, "response_format", format, ["type", "json_schema"]);
  if (type !== "json_schema" || !isObject(json_schema)) return { ...format };
  const { schema } = only(call, "response_format.json_schema", json_schema, ["schema"], ["name"]);
  return present({ type: "json_object", json_schema: schema });
}

/** `thinking` with its budget, else what of an effort Cohere can say: whether to think at all. */
function thinkingOut(call: Call, taken: Taken): JsonObject | undefined {
  const thinking = taken.take("thinking");
  const effort = taken.take("reasoning_effort");
  if (isObject(thinking)) {
    if (effort !== undefined) call.adjust("dropped", "reasoning_effort");
    const { budget_tokens, ...rest } = thinking;
    return present({ ...rest, token_budget: rest["token_budget"] ?? budget_tokens });
  }
  if (typeof effort !== "string") return undefined;
  if (effort === "none") return { type: "disabled" };
  call.adjust("converted", "reasoning_effort");
  return { type: "enabled" };
}
