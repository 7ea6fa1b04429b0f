import type { Json, JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, numberIn, textIn } from "./fields.ts";
import { schemaIn } from "./schema-in.ts";

/** Google's names and the common shape's, for what means the same in both. */
const SAME: Readonly<Record<string, string>> = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  candidateCount: "n",
  maxOutputTokens: "max_completion_tokens",
  stopSequences: "stop",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  seed: "seed",
  responseLogprobs: "logprobs",
  logprobs: "top_logprobs",
};

/** `generationConfig` in the common shape. What only Google knows stays in a `generationConfig`, for its own providers. */
export function configIn(value: Json | undefined): JsonObject {
  const config = fields(value);
  const made: JsonObject = {};
  const left: JsonObject = {};
  for (const [name, one] of Object.entries(config)) {
    if (one === null || one === undefined || PLACED.has(name)) continue;
    const common = SAME[name];
    if (common === undefined) left[name] = one;
    else if (!(Array.isArray(one) && one.length === 0)) made[common] = one;
  }
  const form = formIn(config);
  const thinking = thinkingIn(fields(config["thinkingConfig"]));
  const rest = { ...left, ...form.left, ...(thinking.left && { thinkingConfig: thinking.left }) };
  return present({
    ...made,
    response_format: form.format,
    ...thinking.made,
    generationConfig: Object.keys(rest).length === 0 ? undefined : rest,
  });
}

const PLACED = new Set([
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "_responseJsonSchema",
  "thinkingConfig",
]);

function formIn(config: JsonObject): { readonly format?: Json; readonly left?: JsonObject } {
  const { responseMimeType, responseSchema } = config;
  const exact = config["responseJsonSchema"];
  const type = textIn(responseMimeType) ?? "text/plain";
  if (type === "text/plain" && responseSchema === undefined && exact === undefined) return {};
  if (type !== "application/json") {
    return { left: present({ responseMimeType, responseSchema, responseJsonSchema: exact }) };
  }
  const schema = exact ?? (responseSchema === undefined ? undefined : schemaIn(responseSchema));
  if (schema === undefined) return { format: { type: "json_object" } };
  return { format: { type: "json_schema", json_schema: { name: "response", schema } } };
}

/** How much to think. Who did not ask for thoughts must not get any: that is Google's default, and not the common shape's. */
function thinkingIn({ thinkingBudget, thinkingLevel, includeThoughts, ...more }: JsonObject): {
  readonly made?: JsonObject;
  readonly left?: JsonObject;
} {
  const budget = numberIn(thinkingBudget);
  const level = textIn(thinkingLevel)?.toLowerCase();
  const made =
    budget !== undefined
      ? { thinking: budget === 0 ? { type: "disabled" } : budgetIn(budget) }
      : level !== undefined && level !== "thinking_level_unspecified"
        ? { reasoning_effort: level }
        : undefined;
  const shown = includeThoughts === true;
  const left: JsonObject = { ...more };
  if (made === undefined ? shown : !shown && budget !== 0) left["includeThoughts"] = shown;
  return { ...(made && { made }), ...(Object.keys(left).length > 0 && { left }) };
}

function budgetIn(budget: number): JsonObject {
  return budget < 0 ? { type: "adaptive" } : { type: "enabled", budget_tokens: budget };
}
