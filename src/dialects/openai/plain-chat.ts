import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import { dataUrl } from "./media.ts";
import { only } from "./only.ts";

/**
 * A chat that came in another API's words, with only what OpenAI's has a place for: parts, tools and thinking. What is left out
 * is told as dropped, what is said otherwise as converted.
 *
 * @param newest Whether it goes to OpenAI itself, whose newer models know `max_completion_tokens` alone.
 */
export function plainChat(call: Call, json: Readonly<JsonObject>, newest: boolean): JsonObject {
  const { messages, tools, thinking, max_tokens, ...rest } = json;
  const plain: JsonObject = rest;
  if (max_tokens !== undefined) plain[newest ? "max_completion_tokens" : "max_tokens"] ??= max_tokens;
  if (Array.isArray(messages)) plain["messages"] = messagesOf(call, messages);
  if (Array.isArray(tools)) {
    const known = tools.flatMap<JsonObject>((tool, at) => toolOf(call, tool, `tools[${at}]`) ?? []);
    if (known.length > 0) plain["tools"] = known;
  }
  if (plain["tools"] === undefined) {
    // Without tools there is nothing to choose from, and OpenAI refuses a choice.
    delete plain["tool_choice"];
    delete plain["parallel_tool_calls"];
  }
  effortOf(call, plain, thinking);
  const { temperature } = plain;
  // It came in a range that ends at 1.
  if (call.arrival.dialect === "anthropic" && typeof temperature === "number" && temperature !== 0) {
    call.adjust("converted", "temperature");
  }
  return plain;
}

/** From so many tokens to think on, an effort is medium, or high. */
const MEDIUM_TOKENS = 4096;
const HIGH_TOKENS = 16384;

function effortOf(call: Call, plain: JsonObject, thinking: Json | undefined): void {
  const { reasoning_effort } = plain;
  if (reasoning_effort === "max") {
    call.adjust("converted", "output_config.effort");
    plain["reasoning_effort"] = "xhigh";
  }
  if (!isObject(thinking)) return;
  const { type, budget_tokens } = thinking;
  // How much to think is the model's own decision, there as here.
  if (type === "adaptive") return;
  if (type !== "enabled" || typeof budget_tokens !== "number" || typeof reasoning_effort === "string") {
    if (type !== "disabled") call.adjust("dropped", "thinking");
    return;
  }
  call.adjust("converted", "thinking");
  plain["reasoning_effort"] = budget_tokens < MEDIUM_TOKENS ? "low" : budget_tokens < HIGH_TOKENS ? "medium" : "high";
}

function toolOf(call: Call, tool: Json, path: string): JsonObject | undefined {
  if (!isObject(tool) || (tool["type"] !== "function" && tool["type"] !== "custom")) {
    call.adjust("dropped", path);
    return undefined;
  }
  const { type, function: called, custom, ...rest } = tool;
  tell(call, rest, path);
  // What a function answers, which Google's SDK for Python tells of each.
  const plain = isObject(called) ? only(call, `${path}.function`, called, FUNCTION) : called;
  return { type, ...(plain !== undefined && { function: plain }), ...(custom !== undefined && { custom }) };
}

const FUNCTION = ["name", "description", "parameters", "strict"];

function tell(call: Call, rest: JsonObject, path: string): void {
  for (const name of Object.keys(rest)) if ((rest[name] ?? null) !== null) call.adjust("dropped", `${path}.${name}`);
}

/** The pictures of tool results, which OpenAI takes from users alone, follow the results as a user's message. */
function messagesOf(call: Call, messages: readonly Json[]): Json[] {
  const plain: Json[] = [];
  let pictures: JsonObject[] = [];
  const flush = () => {
    if (pictures.length > 0) plain.push({ role: "user", content: pictures });
    pictures = [];
  };
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at]!;
    if (!isObject(message)) {
      plain.push(message);
      continue;
    }
    const path = `messages[${at}]`;
    const { role, content, tool_calls } = message;
    if (role !== "tool") flush();
    let parts = content;
    if (Array.isArray(content))
      parts = content.flatMap<JsonObject>((part, i) => partOf(call, part, `${path}.content[${i}]`) ?? []);
    if (Array.isArray(parts) && role === "tool") {
      const shown = parts.filter(isObject).filter(({ type }) => type !== "text");
      if (shown.length > 0) call.adjust("converted", `${path}.content`);
      pictures.push(...shown);
      parts = parts.filter((part) => isObject(part) && part["type"] === "text");
    }
    const calls = Array.isArray(tool_calls) ? tool_calls.map((one) => callOf(one)) : undefined;
    plain.push({ ...message, ...together(role, parts), ...(calls && { tool_calls: calls }) });
  }
  flush();
  return plain;
}

/** Texts alone are one text for all but users: every server of OpenAI's kind takes that. */
function together(role: Json | undefined, parts: Json | undefined): JsonObject {
  if (!Array.isArray(parts) || role === "user") return parts === undefined ? {} : { content: parts };
  if (parts.length === 0) return { content: role === "tool" ? "" : null };
  if (!parts.every((part) => isObject(part) && part["type"] === "text")) return { content: parts };
  const between = role === "assistant" ? "" : "\n";
  return { content: parts.map((part) => textIn((part as JsonObject)["text"])).join(between) };
}

function callOf(call: Json): Json {
  if (!isObject(call)) return call;
  // Marks for a cache, and who called, are nothing that the answer needs.
  const { block_index: _b, cache_control: _c, caller: _w, ...rest } = call;
  return rest;
}

const PARTS: Readonly<Record<string, readonly string[]>> = {
  text: ["text"],
  refusal: ["refusal"],
  image_url: ["image_url"],
  input_audio: ["input_audio"],
  file: ["file"],
};

function partOf(call: Call, part: Json, path: string): JsonObject | undefined {
  const known = isObject(part) && typeof part["type"] === "string" ? PARTS[part["type"]] : undefined;
  if (!isObject(part) || known === undefined) {
    call.adjust("dropped", path);
    return undefined;
  }
  const kept: JsonObject = { type: part["type"] };
  for (const [name, value] of Object.entries(part)) {
    if (known.includes(name)) kept[name] = value;
    // Sources of what a model said are not said again.
    else if (name !== "type" && name !== "citations" && value !== null) call.adjust("dropped", `${path}.${name}`);
  }
  return part["type"] === "file" ? fileOf(call, kept, path) : kept;
}

/** OpenAI takes PDFs by their bytes and by id; a text is a text. */
function fileOf(call: Call, part: JsonObject, path: string): JsonObject | undefined {
  const { filename, file_data, file_id } = isObject(part["file"]) ? part["file"] : {};
  const data = typeof file_data === "string" ? dataUrl(file_data) : undefined;
  if (data?.mediaType.startsWith("text/")) {
    const text = Buffer.from(data.data, "base64").toString("utf8");
    return { type: "text", text: typeof filename === "string" ? `${filename}\n\n${text}` : text };
  }
  if (data !== undefined)
    return { type: "file", file: { filename: filename ?? "document.pdf", file_data: file_data! } };
  if (typeof file_id === "string") return { type: "file", file: { file_id } };
  call.adjust("dropped", path);
  return undefined;
}
