import type { Adjusted } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { messagesOf, wrong } from "./input.ts";
import { responseFormatOf, toolChoiceOf, toolsOf } from "./tools.ts";

/** A request in the common shape, and what of it has no place there. */
export interface Asked {
  readonly json: JsonObject;
  readonly stream: boolean;
  readonly dropped: Adjusted["dropped"];
}

/** Members that mean the same in a chat, under their names there. */
const SAME: Readonly<Record<string, string>> = {
  temperature: "temperature",
  top_p: "top_p",
  max_output_tokens: "max_completion_tokens",
  parallel_tool_calls: "parallel_tool_calls",
  metadata: "metadata",
  user: "user",
  safety_identifier: "safety_identifier",
  prompt_cache_key: "prompt_cache_key",
  prompt_cache_retention: "prompt_cache_retention",
  service_tier: "service_tier",
};

/** What is read here, or is said elsewhere. */
const READ = new Set(
  [
    "model input instructions tools tool_choice text reasoning include stream stream_options",
    "store top_logprobs truncation background max_tool_calls",
    Object.keys(SAME).join(" "),
  ].flatMap((names) => names.split(" ")),
);

/** What would need the gateway to keep conversations; it does not yet. */
const KEPT: Readonly<Record<string, string>> = {
  previous_response_id:
    "names a response that was not kept: the gateway keeps none; send the whole conversation in input",
  conversation: "names a conversation that is not kept here; send the whole conversation in input",
  prompt: "names a prompt that is kept at OpenAI; send its text in instructions or input",
};

/**
 * A request of the Responses API in the common shape.
 *
 * Throws FIELD_INVALID for what is wrong and for what would need the gateway to keep something.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export function toCommon(json: Readonly<JsonObject>): Asked {
  const dropped: string[] = [];
  const drop = (path: string) => void dropped.push(path);
  for (const [name, why] of Object.entries(KEPT)) if ((json[name] ?? null) !== null) throw wrong(name, why);
  if (json["background"] === true)
    throw wrong("background", "is not possible: the gateway keeps no responses; leave it out");
  if (json["store"] === true) drop("store");
  if (json["truncation"] === "auto") drop("truncation");
  if ((json["max_tool_calls"] ?? null) !== null) drop("max_tool_calls");

  const common: JsonObject = {
    model: json["model"],
    messages: [...instructionsOf(json), ...messagesOf(json["input"], drop)],
  };
  for (const [name, theirs] of Object.entries(SAME)) {
    const value = json[name];
    if (value !== undefined && value !== null) common[theirs] = value;
  }
  put(common, "tools", toolsOf(json["tools"], drop));
  put(common, "tool_choice", common["tools"] ? toolChoiceOf(json["tool_choice"], drop) : undefined);
  textOptions(json["text"], common);
  const { reasoning } = json;
  if (isObject(reasoning)) put(common, "reasoning_effort", reasoning["effort"] ?? undefined);
  logprobsOf(json, common);
  for (const name of listOf(json["include"]))
    if (typeof name === "string" && !INCLUDED.has(name)) drop(`include.${name}`);
  for (const [name, value] of Object.entries(json))
    if (!READ.has(name) && value !== null && !(name in KEPT)) common[name] = value!;

  const { stream = null } = json;
  if (stream !== null && typeof stream !== "boolean") throw wrong("stream", "must be true or false");
  // Without it an upstream tells no usage in a stream, and the last event has it.
  if (stream === true) Object.assign(common, { stream, stream_options: { include_usage: true } });
  return { json: common, stream: stream === true, dropped };
}

/** Parts of an answer that are given when they are asked for. */
const INCLUDED = new Set(["reasoning.encrypted_content", "message.output_text.logprobs"]);

function instructionsOf({ instructions = null }: Readonly<JsonObject>): JsonObject[] {
  if (instructions === null || instructions === "") return [];
  if (typeof instructions !== "string") throw wrong("instructions", "must be a text");
  return [{ role: "system", content: instructions }];
}

function textOptions(text: Json | undefined, common: JsonObject): void {
  if (!isObject(text)) return;
  put(common, "response_format", responseFormatOf(text["format"]));
  put(common, "verbosity", text["verbosity"] ?? undefined);
}

function logprobsOf(json: Readonly<JsonObject>, common: JsonObject): void {
  const most = json["top_logprobs"] ?? null;
  if (most !== null && typeof most !== "number")
    throw errors.fieldInvalid([{ field: "top_logprobs", description: "must be a number" }]);
  if (most !== null || listOf(json["include"]).includes("message.output_text.logprobs")) common["logprobs"] = true;
  if (most !== null) common["top_logprobs"] = most;
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function put(json: JsonObject, name: string, value: Json | undefined): void {
  if (value !== undefined) json[name] = value;
}
