import {
  type TextGenerationInferenceSettings,
  TextGenerationInferenceSettingsSchema,
} from "../../../gen/providers/huggingface_text_generation_inference/v1/settings_pb.js";
import { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import { isObject, type JsonObject, objectIn } from "../../core/json.ts";
import type { Provider, ReplyHeaders, Upstream } from "../../core/provider.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { compatibleBody, type Differences } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { nearlyOpenAI } from "../../dialects/openai/nearly.ts";
import { only } from "../../dialects/openai/only.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { generateRequest } from "./generate.ts";
import { generated } from "./generated.ts";

const KIND = "huggingface-text-generation-inference";
const EXAMPLE = "http://127.0.0.1:8080";
const DIFFERS: Differences = {
  lacks: (
    "logit_bias metadata parallel_tool_calls prompt_cache_key reasoning_effort safety_identifier service_tier store user " +
    "verbosity"
  ).split(" "),
  renames: { max_completion_tokens: "max_tokens" },
  noDeveloper: true,
  messageLacks: ["annotations", "is_error", "reasoning", "reasoning_details", "refusal"],
};

/**
 * Hugging Face's Text Generation Inference: completions by its own API, chats by its OpenAI endpoint.
 * @see https://huggingface.github.io/text-generation-inference/
 */
export const provider: Provider<TextGenerationInferenceSettings> = {
  kind: KIND,
  settings: TextGenerationInferenceSettingsSchema,
  check({ hfServerUrl, baseUrl, apiKey }) {
    const problems = accessProblems({ api_key: apiKey }, { hf_server_url: hfServerUrl, base_url: baseUrl }, EXAMPLE);
    const missing = { path: "hf_server_url", message: `is needed; set the server's address, such as ${EXAMPLE}` };
    return hfServerUrl === "" && baseUrl === "" ? [missing] : problems;
  },
  open({ hfServerUrl, baseUrl, apiKey }, tools): Upstream {
    const { origin, prefix } = splitBase(baseUrl || hfServerUrl);
    const headers = apiKey === "" ? JSON_REQUEST : [...JSON_REQUEST, "authorization", `Bearer ${apiKey}`];
    const now = () => Math.floor(tools.wallNow() / 1000);
    return {
      origin,
      speaks: { chat: "openai", completions: "openai" },
      reads: {
        chat: nearlyOpenAI("chat", { finish: { eos_token: "stop", stop_sequence: "stop" } }, now),
        completions: generated(now),
      },
      encode(call, body, model) {
        if (call.plan.op === "chat") {
          const sent = compatibleBody(call, Body.ofJson(withGrammar(call, body.json)), model, DIFFERS);
          return { path: `${prefix}/v1/chat/completions`, headers, body: sent };
        }
        const path = `${prefix}/${call.stream ? "generate_stream" : "generate"}`;
        return { path, headers, body: Buffer.from(JSON.stringify(generateRequest(call, body.json))) };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) => faultOf(status, replyHeaders, body, apiKey),
    };
  },
};

/** Every version of the server takes the bare schema as a grammar, and any JSON as the grammar of an object. */
function withGrammar(call: Call, json: Readonly<JsonObject>): JsonObject {
  const { response_format: format } = json;
  if (!isObject(format) || format["value"] !== undefined) return { ...json };
  if (format["type"] === "json_object")
    return { ...json, response_format: { type: "json", value: { type: "object" } } };
  if (format["type"] !== "json_schema") {
    const { response_format: _text, ...rest } = json;
    return rest;
  }
  const told = objectIn(format["json_schema"]);
  const { schema = { type: "object" } } = only(call, "response_format.json_schema", told, ["schema"], ["name"]);
  return { ...json, response_format: { type: "json", value: schema } };
}

/** What it answers with each of its own words for an error, which stand alone within a stream. */
const STATUSES: Readonly<Record<string, number>> = {
  generation: 500,
  incomplete_generation: 500,
  overloaded: 429,
  validation: 422,
  template_error: 422,
  tool_error: 422,
};

function faultOf(status: number, headers: ReplyHeaders, body: Buffer, key: string) {
  const hidden = status >= 200 && status <= 299;
  const named = hidden ? /"error_type"\s*:\s*"(\w+)"/.exec(body.toString("utf8"))?.[1] : undefined;
  return openAIFault(KIND, status, headers, body, [key], STATUSES[named ?? ""]);
}
