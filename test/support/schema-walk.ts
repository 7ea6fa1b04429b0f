/** Every member that a request of the API can have, one at a time, so that none can be forgotten by a provider. */
import { create, type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { codec } from "../../src/dialects/proto/codec.ts";

/** A request that has one member more than `base`. */
export interface Variant {
  /** Path of the field in the proto, such as `messages.parts.image_url.detail`. */
  readonly field: string;
  readonly base: JsonObject;
  readonly json: JsonObject;
  /** Where the two differ, without places in lists: `messages.content.image_url.detail`. */
  readonly differs: readonly string[];
}

/** Values that mean something where any value of the type would not do. */
const SAMPLES: Readonly<Record<string, Json>> = {
  "polygate.v1.ImageUrl.url": "data:image/png;base64,iVBORw0KGgo=",
  "polygate.v1.InputAudio.data": "UklGRg==",
  "polygate.v1.File.file_data": "data:application/pdf;base64,JVBERi0=",
  "polygate.v1.File.filename": "marked.pdf",
  "polygate.v1.FunctionCall.arguments": '{"marked":1}',
  "polygate.v1.ChatRequest.n": 2,
  "polygate.v1.CompleteRequest.n": 2,
  "polygate.v1.CompleteRequest.best_of": 3,
  "polygate.v1.ChatRequest.parallel_tool_calls": false,
  "polygate.v1.ChatRequest.temperature": 0.5,
  "polygate.v1.CompleteRequest.temperature": 0.5,
};

/** Which message of the conversation a member of `ChatMessage` belongs to, by its place in `CONVERSATION`. */
const SPEAKER: Readonly<Record<string, number>> = { tool_calls: 2, refusal: 2, reasoning: 2, tool_call_id: 3 };

const CALL = { id: "call_1", type: "function", function: { name: "look", arguments: "{}" } };
const TOOLS = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }];
const CONVERSATION: readonly JsonObject[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Look." },
  { role: "assistant", content: "I look.", tool_calls: [CALL] },
  { role: "tool", tool_call_id: "call_1", content: "A cat." },
  { role: "user", content: "And now?" },
];
const USER = 1;

/** Fields that decide what the whole request is, or that are the gateway's alone. */
const LEFT_OUT = new Set(["model", "messages", "prompt", "input", "stream_options", "extra", "role", "type", "text"]);

/** Every variant of a request message. `base` is what a request of its kind needs. */
export function variantsOf(desc: DescMessage, base: JsonObject): Variant[] {
  const found: Variant[] = [];
  const add = (field: string, from: JsonObject, json: JsonObject) => {
    found.push({ field, base: from, json, differs: differences(from, json) });
  };
  for (const field of desc.fields) {
    if (LEFT_OUT.has(field.name)) continue;
    for (const { path, init, without } of samplesOf(field)) {
      const from = { ...base, ...companions(field.oneof?.name ?? field.name), ...memberOf(desc, field, without) };
      add(path, from, { ...from, ...memberOf(desc, field, init) });
    }
  }
  const messages = desc.fields.find(({ name }) => name === "messages");
  if (messages?.message === undefined) return found;
  const said = messages.message;
  const saying = (field: DescField, init: unknown) => {
    const members = memberOf(said, field, init);
    const at = SPEAKER[field.name] ?? USER;
    const all = CONVERSATION.map((one, i) => (i === at ? { ...one, ...members } : one));
    // A call and what answers it name each other.
    const [call] = (members["tool_calls"] ?? []) as JsonObject[];
    if (call) all[3] = { ...all[3]!, tool_call_id: call["id"]! };
    const id = members["tool_call_id"];
    if (id !== undefined) all[2] = { ...all[2]!, tool_calls: [{ ...CALL, id }] };
    return { ...base, messages: all, tools: TOOLS };
  };
  for (const field of said.fields) {
    if (LEFT_OUT.has(field.name)) continue;
    for (const { path, init, without } of samplesOf(field)) {
      add(`messages.${path}`, saying(field, without), saying(field, init));
    }
  }
  return found;
}

/** What must stand beside a member for it to mean anything. */
function companions(name: string): JsonObject {
  if (name === "tool_choice" || name === "parallel_tool_calls") return { tools: TOOLS };
  return name === "top_logprobs" ? { logprobs: true } : {};
}

/** The one member that a field makes. */
function memberOf(desc: DescMessage, field: DescField, init: unknown): JsonObject {
  if (init === undefined) return {};
  const name = field.oneof?.name ?? field.name;
  const value = codec(desc).toCommon(create(desc, initOf(field, init) as never))[name];
  if (value === undefined) throw new Error(`${desc.typeName}.${field.name} has no member in JSON`);
  return { [name]: value };
}

interface Sample {
  readonly path: string;
  readonly init: unknown;
  /** The same without the field that the path ends with; `undefined`: nothing is left. */
  readonly without: unknown;
}

/** The field's values to try: itself, and for a message each of its own fields added to what it needs. */
function samplesOf(field: DescField, depth = 0): Sample[] {
  const wrap = (init: unknown): unknown => {
    if (init === undefined) return undefined;
    return field.fieldKind === "list" ? [init] : field.fieldKind === "map" ? { "50256": init } : init;
  };
  const { message } = field;
  if (message === undefined || message.typeName.startsWith("google.protobuf.") || depth > 5) {
    return [{ path: field.name, init: wrap(scalarOf(field)), without: undefined }];
  }
  const needed = neededOf(message);
  const all: Sample[] = [{ path: field.name, init: wrap(needed), without: undefined }];
  for (const one of message.fields) {
    if (one.name === "extra" || one.name === "text") continue;
    for (const { path, init, without } of samplesOf(one, depth + 1)) {
      // What is needed anyway is no variant; what stands within it is.
      if (without === undefined && isNeeded(one, needed)) continue;
      const base = without === undefined ? needed : { ...needed, ...initOf(one, without) };
      all.push({ path: `${field.name}.${path}`, init: wrap({ ...needed, ...initOf(one, init) }), without: wrap(base) });
    }
  }
  return all;
}

function isNeeded(field: DescField, needed: Record<string, unknown>): boolean {
  const given = needed[field.oneof?.localName ?? field.localName];
  return field.oneof ? (given as { case?: string } | undefined)?.case === field.localName : given !== undefined;
}

/** A field's value as a message is made from it. */
function initOf(field: DescField, value: unknown): Record<string, unknown> {
  return field.oneof ? { [field.oneof.localName]: { case: field.localName, value } } : { [field.localName]: value };
}

/** What a message must have to mean anything. */
function neededOf(message: DescMessage): Record<string, unknown> {
  const needed: Record<string, unknown> = {};
  const put = (name: string) => {
    const field = message.fields.find((one) => one.name === name);
    if (field === undefined) return;
    const value =
      field.message && !field.message.typeName.startsWith("google.") ? neededOf(field.message) : scalarOf(field);
    const init = field.fieldKind === "list" ? [value] : value;
    Object.assign(needed, initOf(field, init));
  };
  for (const name of NEEDED[message.typeName] ?? []) put(name);
  return needed;
}

/** By message: the fields without which a provider could do nothing with it. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  "polygate.v1.Texts": ["texts"],
  "polygate.v1.Tokens": ["tokens"],
  "polygate.v1.TokenLists": ["lists"],
  "polygate.v1.ContentParts": ["parts"],
  "polygate.v1.ContentPart": ["text"],
  "polygate.v1.ImageUrl": ["url"],
  "polygate.v1.InputAudio": ["data", "format"],
  "polygate.v1.File": ["file_data", "filename"],
  "polygate.v1.Tool": ["function"],
  "polygate.v1.FunctionDefinition": ["name"],
  "polygate.v1.CustomTool": ["name"],
  "polygate.v1.ToolChoice": ["function"],
  "polygate.v1.ToolName": ["name"],
  "polygate.v1.AllowedTools": ["mode"],
  "polygate.v1.ToolCall": ["id", "function"],
  "polygate.v1.FunctionCall": ["name", "arguments"],
  "polygate.v1.CustomCall": ["name", "input"],
  "polygate.v1.ResponseFormat": ["type", "json_schema"],
  "polygate.v1.JsonSchemaFormat": ["name", "schema"],
};

function scalarOf(field: DescField): unknown {
  const { parent, name } = field;
  const sample = SAMPLES[`${parent.typeName}.${name}`];
  if (sample !== undefined) return sample;
  if (field.message) return structOf(name);
  if (field.enum) return enumOf(field.enum, parent.typeName);
  switch (field.scalar) {
    case ScalarType.STRING:
      return name === "name" ? "look" : `marked_${name}`;
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
      return 4321n;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 0.25;
    default:
      return 7;
  }
}

function structOf(name: string): Json {
  if (name === "format") return { type: "text" };
  if (name === "tools") return { type: "function", function: { name: "look" } };
  return { type: "object", properties: { marked: { type: "string", description: name } } };
}

/** A value that asks for something: text is what every model answers, and `auto` is what each does anyhow. */
function enumOf(desc: DescEnum, parent: string): number {
  const wanted = parent.endsWith("ResponseFormat") ? "JSON_SCHEMA" : parent.endsWith("InputAudio") ? "WAV" : undefined;
  const plain = /_(?:UNSPECIFIED|AUTO|NONE|TEXT|FLOAT)$/;
  return desc.values.find(({ name }) => (wanted ? name.endsWith(wanted) : !plain.test(name)))!.number;
}

/** Paths at which two JSON values differ, without places in lists; the deepest that differ. */
export function differences(a: Json | undefined, b: Json | undefined, path = ""): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  if (Array.isArray(a) && Array.isArray(b)) {
    const length = Math.max(a.length, b.length);
    return unique(Array.from({ length }, (_, i) => differences(a[i], b[i], path)).flat());
  }
  const whole = (one: Json | undefined): one is JsonObject =>
    typeof one === "object" && one !== null && !Array.isArray(one);
  if (whole(a) && whole(b)) {
    const keys = unique([...Object.keys(a), ...Object.keys(b)]);
    return unique(keys.flatMap((key) => differences(a[key], b[key], path === "" ? key : `${path}.${key}`)));
  }
  return [path];
}

const unique = (all: readonly string[]): string[] => [...new Set(all)];
