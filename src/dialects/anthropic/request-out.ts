import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { abilitiesOf } from "../openai/claude.ts";
import { functionCalls } from "../openai/custom-tools.ts";
import { only } from "../openai/only.ts";
import type { Taken } from "../openai/take.ts";
import { conversationOf } from "./messages-out.ts";
import { thinkingOf } from "./thinking-out.ts";
import { toolsOf } from "./tools-out.ts";

/** How the request is made where the call does not say. */
export interface RequestOptions {
  /** The API demands `max_tokens`; told as defaulted. */
  readonly defaultMaxTokens: number;
  /** First members, in this order, such as the model. What of the version or stream belongs into the body is the provider's. */
  readonly head?: JsonObject;
}

/** MLflow's own default. */
export const DEFAULT_MAX_TOKENS = 8192;

/** The API's own members that no other provider has under these names. */
const OWN = words(`
  cache_control container context_management diagnostics inference_geo mcp_servers speed top_k fallbacks
`);

/** What MLflow of 2.x asks for when its own client names no limit. */
export const MLFLOW_MOST = 200_000;

/** MLflow 2.9 and later halved the temperature; 2.5-2.8, whose callers say 0-1, sent it as it was. */
const MLFLOW = { modern: 0.5, legacy: 1 };

/**
 * A chat in the common shape as a request to the Messages API. The same call gives the same members in the same order.
 *
 * @param taken The chat's members.
 * @param model The provider's name of the model: it decides what of the reasoning goes back, and how thinking is asked for.
 * @see https://docs.claude.com/en/api/messages
 */
export function requestOut(call: Call, taken: Taken, model: string, options: RequestOptions): JsonObject {
  const native = call.arrival.dialect === "anthropic";
  const abilities = abilitiesOf(model);
  const { system, messages } = conversationOf(call, functionCalls(call, taken.take("messages")), model);
  const maxTokens = taken.maxTokens() ?? defaulted(call, options.defaultMaxTokens);
  const { tools, tool_choice } = toolsOf(call, taken);
  const around = { messages, toolChoice: tool_choice, maxTokens };
  const { thinking, effort, ours } = thinkingOf(call, taken, abilities, around);
  const format = formatOf(call, taken.take("response_format"));

  const json: JsonObject = { ...options.head, max_tokens: maxTokens };
  if (system !== undefined) json["system"] = call.arrival.era === undefined ? system : joined(system);
  json["messages"] = messages;
  if (tools !== undefined) json["tools"] = tools;
  if (tool_choice !== undefined) json["tool_choice"] = tool_choice;
  if (thinking !== undefined) json["thinking"] = thinking;
  const output = outputOf(taken.take("output_config"), effort, format);
  if (output !== undefined) json["output_config"] = output;
  // A native temperature came doubled into the common shape, and goes as it came.
  const temperature = native ? halved(taken.number("temperature")) : taken.temperature(1, MLFLOW);
  sample(call, json, "temperature", temperature, native || (abilities.samples && (!ours || temperature === 1)));
  sample(call, json, "top_p", taken.number("top_p"), native || (abilities.samples && !ours));
  const stop = taken.stop();
  if (stop !== undefined) json["stop_sequences"] = [...stop];
  withUser(json, taken, native);
  const tier = tierOf(call, taken.take("service_tier"));
  if (tier !== undefined) json["service_tier"] = tier;
  for (const name of OWN) {
    const value = taken.take(name);
    if (value !== undefined) json[name] = value;
  }
  taken.drop("n");
  return Object.assign(json, taken.extras());
}

/** MLflow of 2.x has instructions in one text. */
function joined(system: Json): Json {
  const texts = objectsIn(system).map(({ type, text, ...more }) => (Object.keys(more).length > 0 ? undefined : text));
  return texts.length > 0 && texts.every((text) => typeof text === "string") ? texts.join("\n") : system;
}

function defaulted(call: Call, maxTokens: number): number {
  call.adjust("defaulted", "max_tokens");
  return call.arrival.era === undefined ? maxTokens : MLFLOW_MOST;
}

function halved(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 2;
}

/** Newer models refuse these, and so does thinking that we asked for. */
function sample(call: Call, json: JsonObject, name: string, value: number | undefined, taken: boolean): void {
  if (value === undefined) return;
  if (taken) json[name] = value;
  else call.adjust("dropped", name);
}

/** A schema is the API's own; mere JSON it does not promise. */
function formatOf(call: Call, format: Json | undefined): JsonObject | undefined {
  if (!isObject(format) || format["type"] === "text") return undefined;
  const { type, json_schema } = format;
  if (type === "json_schema" && isObject(json_schema) && isObject(json_schema["schema"])) {
    only(call, "response_format", format, ["type", "json_schema"]);
    // Its answers keep to the schema always; the name is a label.
    only(call, "response_format.json_schema", json_schema, [], ["schema", "description", "name", "strict"]);
    const { schema, description } = json_schema;
    // The schema's own place for it.
    if (typeof description !== "string" || schema["description"] !== undefined) return { type, schema };
    return { type, schema: { description, ...schema } };
  }
  call.adjust("dropped", "response_format");
  return undefined;
}

function outputOf(given: Json | undefined, effort: string | undefined, format: JsonObject | undefined) {
  if (!isObject(given) && effort === undefined && format === undefined) return undefined;
  return { ...(isObject(given) && given), ...(effort !== undefined && { effort }), ...(format && { format }) };
}

/** `user` is Anthropic's `user_id`; other metadata have a place only if they came in Anthropic's words. */
export function withUser(json: JsonObject, taken: Taken, native = false): void {
  const safety = taken.take("safety_identifier");
  const user = taken.take("user") ?? safety;
  const rest = native ? taken.take("metadata") : undefined;
  if (typeof user !== "string" && !isObject(rest)) return;
  json["metadata"] = { ...(typeof user === "string" && { user_id: user }), ...(isObject(rest) && rest) };
}

const TIERS: Readonly<Record<string, string>> = {
  auto: "auto",
  default: "standard_only",
  standard_only: "standard_only",
};

function tierOf(call: Call, tier: Json | undefined): string | undefined {
  if (typeof tier !== "string") return undefined;
  const known = TIERS[tier];
  // Priority is a commitment of the account's: `auto` uses it where it is there.
  if (known === undefined) call.adjust(tier === "priority" ? "converted" : "dropped", "service_tier");
  return known ?? (tier === "priority" ? "auto" : undefined);
}
