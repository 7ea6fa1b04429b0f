import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { functionCalls, functionChoice, functionTools } from "../openai/custom-tools.ts";
import { present } from "../openai/make.ts";
import { only } from "../openai/only.ts";
import { Taken } from "../openai/take.ts";
import { betasOut } from "./betas-out.ts";
import { cachePoint } from "./content-out.ts";
import { type Conversation, messagesOut } from "./messages-out.ts";
import { caches, isClaude, oneCallOut, samples, takesMarks, takesStrict } from "./models.ts";
import { thinkingOut } from "./thinking-out.ts";
import { toolsOut } from "./tools-out.ts";

/** Converse's own members, which callers may give as they are. What else is not known belongs to the model. */
const OWN = words(`
  inferenceConfig guardrailConfig promptVariables requestMetadata performanceConfig serviceTier outputConfig
  additionalModelRequestFields additionalModelResponseFieldPaths
`);

/** MLflow sends temperatures of chats to Converse as they are. */
const AS_IN_MLFLOW = { modern: 1, legacy: 1 };

/**
 * A chat in Converse's words. What neither the common shape nor Converse knows goes to the model, by
 * `additionalModelRequestFields`: `top_k`, `thinking`, and so on.
 *
 * @param model The provider's model, as reasoning remembers it.
 * @param id The model without region and address, such as `anthropic.claude-sonnet-4-6`.
 * @param json In the common shape; by default the call's body.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export function converseRequest(
  call: Call,
  model: string,
  id: string,
  json: Readonly<JsonObject> = call.body.json,
): JsonObject {
  const taken = new Taken(call, json);
  const { system, messages } = conversation(call, functionCalls(call, taken.take("messages")), model, takesMarks(id));
  const maxTokens = taken.maxTokens();
  const stopSequences = taken.stop();
  const thinking = thinkingOut(call, taken, id, maxTokens, json["thinking"]);
  const takes = samples(id);
  const temperature = temperatureOf(call, taken);
  const inference = present({
    temperature: kept(call, "temperature", temperature, takes && (!thinking.ours || temperature === 1)),
    topP: kept(call, "top_p", taken.number("top_p"), takes && !thinking.ours),
    maxTokens,
    stopSequences: stopSequences as Json[] | undefined,
  });
  const format = formatOut(call, taken.take("response_format"));
  const given = functionTools(call, taken.take("tools"));
  const makers = isClaude(id) ? makersTools(given) : [];
  const tools = toolsOut(call, without(given, makers), {
    choice: functionChoice(call, taken.take("tool_choice")),
    spoken: hasCalls(messages),
    marks: takesMarks(id),
    strict: takesStrict(id),
  });
  const ours = present({
    messages,
    system: system.length > 0 ? system : undefined,
    inferenceConfig: some(inference),
    toolConfig: tools,
    requestMetadata: labelsOut(call, taken.take("metadata")),
    serviceTier: tierOut(taken),
    outputConfig: some(present({ textFormat: format, effort: thinking.effort })),
    // Claude tells which text ended its answer when it is asked.
    additionalModelResponseFieldPaths: tellsStop(call, id, stopSequences) ? ["/stop_sequence"] : undefined,
  });
  const one = tools === undefined || tools["toolChoice"] !== undefined ? undefined : oneCallOut(id);
  if (one !== undefined && json["parallel_tool_calls"] === false) taken.take("parallel_tool_calls");
  if (caches(id)) markEnd(messages, taken.take("cache_control"));
  const betas = isClaude(id) ? betasOut(call, taken) : {};
  const topK = id.startsWith("amazon.nova-") ? taken.number("top_k") : undefined;
  const { fields, members } = strangers(taken.rest());
  // Nova's own place for it.
  if (topK !== undefined) fields["inferenceConfig"] = { topK };
  const more = {
    ...betas,
    ...(makers.length > 0 && { tools: makers }),
    ...thinking.fields,
    ...(json["parallel_tool_calls"] === false && one),
    ...fields,
  };
  const asked = merged(ours, some(more) ? { additionalModelRequestFields: more } : {});
  return merged(asked, members);
}

/** Where the model has no cache, without the marks for it. */
function conversation(call: Call, given: Json | undefined, model: string, marks: boolean): Conversation {
  const all = messagesOut(call, given, model);
  if (marks) return all;
  const unmarked = (blocks: Json | undefined) => {
    const kept = (Array.isArray(blocks) ? blocks : []).filter((block) => !(isObject(block) && block["cachePoint"]));
    if (Array.isArray(blocks) && kept.length < blocks.length)
      call.adjust("dropped", "messages[].content[].cache_control");
    return kept;
  };
  const messages = all.messages.map(({ role, content }): JsonObject => ({ role, content: unmarked(content) }));
  return { system: unmarked(all.system).filter(isObject), messages };
}

/** Tools that Claude's maker has made, such as `bash_20250124`: Converse hands them on beside its own. */
function makersTools(tools: Json | undefined): JsonObject[] {
  const given = Array.isArray(tools) ? tools.filter(isObject) : [];
  return given.filter(({ type }) => typeof type === "string" && /^[a-z_]+_\d{8}$/.test(type));
}

/** The same list with holes, so that the others keep their places. */
function without(tools: Json | undefined, some: readonly JsonObject[]): Json | undefined {
  if (!Array.isArray(tools) || some.length === 0) return tools;
  return tools.map((tool) => (isObject(tool) && some.includes(tool) ? null : tool));
}

/** A mark for the whole request stands after what was said last. */
function markEnd(messages: readonly JsonObject[], mark: Json | undefined): void {
  const content = messages.at(-1)?.["content"];
  if (Array.isArray(content)) content.push(...cachePoint(mark));
}

function tellsStop(call: Call, id: string, stop: readonly string[] | undefined): boolean {
  return stop !== undefined && call.arrival.dialect !== "mlflow" && isClaude(id);
}

/** What Converse has a place for, and what it hands to the model. */
function strangers(rest: JsonObject): { members: JsonObject; fields: JsonObject } {
  const members: JsonObject = {};
  const fields: JsonObject = {};
  for (const [name, value] of Object.entries(rest)) (OWN.includes(name) ? members : fields)[name] = value;
  return { members, fields };
}

/** The caller's own words win over what was made of others, member by member. */
function merged(ours: JsonObject, theirs: JsonObject): JsonObject {
  const all = { ...ours };
  for (const [name, value] of Object.entries(theirs)) {
    const mine = all[name];
    all[name] = isObject(mine) && isObject(value) ? { ...mine, ...value } : value;
  }
  return all;
}

/** A temperature of Anthropic's callers came doubled into the common shape, and goes as it came. */
function temperatureOf(call: Call, taken: Taken): number | undefined {
  if (call.arrival.dialect !== "anthropic")
    return taken.temperature(1, call.plan.op === "chat" ? AS_IN_MLFLOW : undefined);
  const value = taken.number("temperature");
  return value === undefined ? undefined : value / 2;
}

/** Newer models refuse to be told how to choose, and so do those that were asked to think. */
function kept(call: Call, name: string, value: number | undefined, takes: boolean): number | undefined {
  if (value !== undefined && !takes) call.adjust("dropped", name);
  return takes ? value : undefined;
}

function formatOut(call: Call, format: Json | undefined): JsonObject | undefined {
  if (!isObject(format) || format["type"] === "text") return undefined;
  const given = format["json_schema"];
  if (format["type"] !== "json_schema" || !isObject(given)) {
    call.adjust("dropped", "response_format");
    return undefined;
  }
  only(call, "response_format", format, ["type", "json_schema"]);
  const { schema } = given;
  if (!isObject(schema)) {
    throw errors.fieldInvalid([{ field: "response_format.json_schema.schema", description: "must be an object" }]);
  }
  // Bedrock is always strict, and has no word for it.
  if (given["strict"] === true) call.adjust("converted", "response_format.json_schema.strict");
  const named = only(call, "response_format.json_schema", given, ["name", "description"], ["schema", "strict"]);
  const jsonSchema = { schema: JSON.stringify(schema), ...named };
  return { type: "json_schema", structure: { jsonSchema } };
}

/** Letters, digits, white space and a few signs: a label that has others is not worth the call. */
const LABEL = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;

function labelsOut(call: Call, metadata: Json | undefined): JsonObject | undefined {
  if (!isObject(metadata)) return undefined;
  const labels: JsonObject = {};
  for (const [name, value] of Object.entries(metadata)) {
    if (name !== "" && LABEL.test(name) && typeof value === "string" && LABEL.test(value)) labels[name] = value;
    else call.adjust("dropped", `metadata.${name}`);
  }
  return some(labels);
}

function tierOut(taken: Taken): JsonObject | undefined {
  const tier = taken.take("service_tier");
  if (tier === undefined || tier === "auto") return undefined;
  if (tier === "default" || tier === "flex" || tier === "priority") return { type: tier };
  taken.drop("service_tier");
  return undefined;
}

function hasCalls(messages: readonly JsonObject[]): boolean {
  return messages.some(
    ({ content }) =>
      Array.isArray(content) &&
      content.some((block) => isObject(block) && ("toolUse" in block || "toolResult" in block)),
  );
}

function some(json: JsonObject): JsonObject | undefined {
  return Object.keys(json).length > 0 ? json : undefined;
}
