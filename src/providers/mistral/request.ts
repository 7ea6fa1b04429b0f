import type { Call, Generation } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import { functionCalls, functionChoice, functionTools } from "../../dialects/openai/custom-tools.ts";
import { present } from "../../dialects/openai/make.ts";
import { only } from "../../dialects/openai/only.ts";
import { Taken } from "../../dialects/openai/take.ts";
import { mistralMessages } from "./messages.ts";

/** Mistral's own range of temperatures ends at 1.5; MLflow sends those of chats as they came, and half of those of completions. */
const MOST = 1.5;
const MLFLOW = { chat: { modern: 1, legacy: 1 }, completions: { modern: 0.5, legacy: 1 }, embeddings: undefined };

/**
 * A chat in Mistral's words. `safe_prompt`, `prompt_mode`, `guardrails` and whatever else is Mistral's own goes through as it came.
 *
 * @param json In the common shape.
 * @see https://docs.mistral.ai/api/#tag/chat
 */
export function chatRequest(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const taken = new Taken(call, json);
  const n = taken.number("n");
  const request = present({
    model,
    messages: mistralMessages(call, functionCalls(call, taken.take("messages")), model),
    temperature: taken.temperature(MOST, MLFLOW[call.plan.op as Generation]),
    top_p: taken.number("top_p"),
    max_tokens: taken.maxTokens(),
    stop: taken.stop() as Json[] | undefined,
    random_seed: taken.number("seed"),
    n: call.plan.op === "completions" && n === 1 ? undefined : n,
    presence_penalty: taken.number("presence_penalty"),
    frequency_penalty: taken.number("frequency_penalty"),
    response_format: taken.take("response_format"),
    tools: toolsOut(call, functionTools(call, taken.take("tools"))),
    tool_choice: choiceOut(call, functionChoice(call, taken.take("tool_choice"))),
    parallel_tool_calls: taken.take("parallel_tool_calls"),
    prediction: taken.take("prediction"),
    metadata: taken.take("metadata"),
    prompt_cache_key: taken.take("prompt_cache_key"),
    reasoning_effort: effortOut(call, taken),
    stream: call.stream ? true : undefined,
  });
  // Other providers' own that callers of their dialects bring along; Mistral would refuse the request for it.
  if (call.arrival.dialect !== "mlflow") taken.drop("top_k");
  return { ...request, ...taken.rest() };
}

/** Texts to embed. https://docs.mistral.ai/api/#tag/embeddings */
export function embeddingsRequest(call: Call, json: Readonly<JsonObject>, model: string): JsonObject {
  const taken = new Taken(call, json);
  const request = present({
    model,
    input: taken.take("input"),
    output_dimension: taken.number("dimensions"),
    encoding_format: taken.take("encoding_format"),
    metadata: taken.take("metadata"),
  });
  return { ...request, ...taken.rest() };
}

/** Functions, and Mistral's own tools as they came. */
function toolsOut(call: Call, tools: Json | undefined): JsonObject[] | undefined {
  const list = objectsIn(tools).flatMap((tool, at) => {
    const { function: called } = tool;
    if (!isObject(called)) return [tool];
    only(call, `tools[${at}]`, tool, ["type", "function"]);
    return [{ type: "function", function: { parameters: { type: "object", properties: {} }, ...called } }];
  });
  return list.length > 0 ? list : undefined;
}

function choiceOut(call: Call, choice: Json | undefined): Json | undefined {
  if (choice === "required") return "any";
  if (!isObject(choice) || isObject(choice["function"])) return choice;
  call.adjust("dropped", "tool_choice");
  return undefined;
}

function effortOut(call: Call, taken: Taken): Json | undefined {
  const effort = taken.take("reasoning_effort");
  const thinking = taken.take("thinking");
  if (!isObject(thinking)) return effort;
  call.adjust(effort === undefined ? "converted" : "dropped", "thinking");
  return effort ?? (thinking["type"] === "disabled" ? "none" : "high");
}
