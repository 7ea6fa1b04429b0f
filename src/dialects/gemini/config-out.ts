import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { only } from "../openai/only.ts";
import type { Taken } from "../openai/take.ts";
import { fields, textIn } from "./fields.ts";
import { thinkingOut } from "./thinking-out.ts";

/**
 * How to answer, as `generationConfig`; `undefined`: as the model does by itself. What a caller said in a `generationConfig` of its
 * own stays, where the common shape does not say it too.
 *
 * @see https://ai.google.dev/api/generate-content#generationconfig
 */
export function configOut(call: Call, taken: Taken, model: string): JsonObject | undefined {
  const own = fields(taken.take("generationConfig") ?? taken.take("generation_config"));
  const google = fields(fields(taken.take("extra_body"))["google"]);
  const logprobs = taken.take("logprobs");
  const made = present({
    candidateCount: taken.number("n"),
    stopSequences: taken.stop() as Json | undefined,
    maxOutputTokens: taken.maxTokens(),
    temperature: taken.number("temperature"),
    topP: taken.number("top_p"),
    topK: taken.number("top_k"),
    presencePenalty: taken.number("presence_penalty"),
    frequencyPenalty: taken.number("frequency_penalty"),
    seed: taken.number("seed"),
    responseLogprobs: logprobs === true ? true : undefined,
    logprobs: taken.number("top_logprobs"),
    ...formatOut(call, taken.take("response_format")),
    thinkingConfig: thinkingOut(call, taken, model, own["thinkingConfig"] ?? google["thinkingConfig"]),
  });
  const config = { ...own, ...made };
  return Object.keys(config).length === 0 ? undefined : config;
}

/** The form of the answer: a schema as the JSON Schema that it is. Its name is a label. */
function formatOut(call: Call, format: Json | undefined): JsonObject {
  if (!isObject(format) || format["type"] === "text") return {};
  if (format["type"] === "json_object") return { responseMimeType: "application/json" };
  if (format["type"] !== "json_schema" || !isObject(format["json_schema"])) {
    call.adjust("dropped", "response_format");
    return {};
  }
  only(call, "response_format", format, ["type", "json_schema"]);
  const known = format["json_schema"]["strict"] === false ? ["name", "strict"] : ["name"];
  const { schema, description } = only(
    call,
    "response_format.json_schema",
    format["json_schema"],
    ["schema", "description"],
    known,
  );
  const words = textIn(description);
  if (!isObject(schema)) return { responseMimeType: "application/json" };
  const described =
    words === undefined || schema["description"] !== undefined ? schema : { ...schema, description: words };
  return { responseMimeType: "application/json", responseJsonSchema: described };
}
