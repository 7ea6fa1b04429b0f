import { errors, type GatewayError } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { thoughtsOf } from "./thoughts.ts";

/** Tells that a part of the request is not sent; `path` is the caller's own. */
export type Drop = (path: string) => void;

/**
 * `input` as the messages of a conversation: a text alone is the user's; a list has messages, calls, what answers them, and
 * what the model thought. Calls and thoughts belong to the assistant's message that they stand beside.
 *
 * Throws FIELD_INVALID for what cannot be read, and for references to what OpenAI would have kept.
 */
export function messagesOf(input: Json | undefined, drop: Drop): JsonObject[] {
  if (typeof input === "string") return [{ role: "user", content: input }];
  if (!Array.isArray(input) || input.length === 0)
    throw wrong("input", "must be a text, or a list of items that is not empty");
  const turns = new Turns();
  for (const [at, item] of input.entries()) {
    const path = `input[${at}]`;
    if (!isObject(item)) throw wrong(path, "must be an object");
    take(item, path, turns, drop);
  }
  return turns.messages();
}

function take(item: JsonObject, path: string, turns: Turns, drop: Drop): void {
  const { type = "message" } = item;
  switch (type) {
    case "message":
      turns.say(messageOf(item, path, drop));
      break;
    case "function_call":
      turns.call({
        id: text(item, "call_id", path),
        type: "function",
        function: { name: text(item, "name", path), arguments: text(item, "arguments", path) },
      });
      break;
    case "custom_tool_call":
      turns.call({
        id: text(item, "call_id", path),
        type: "custom",
        custom: { name: text(item, "name", path), input: text(item, "input", path) },
      });
      break;
    case "function_call_output":
    case "custom_tool_call_output": {
      const { output } = item;
      const content = typeof output === "string" ? output : partsOf(output, `${path}.output`, drop);
      turns.say({ role: "tool", tool_call_id: text(item, "call_id", path), content });
      break;
    }
    case "reasoning":
      turns.think(thoughtsOf(item));
      break;
    case "item_reference":
      throw wrong(path, "refers to an item that was not kept: the gateway keeps none; send the item itself");
    default:
      // What a provider's own tools made: nobody else can read it.
      drop(path);
  }
}

function messageOf(item: JsonObject, path: string, drop: Drop): JsonObject {
  const { role, content } = item;
  if (typeof role !== "string") throw wrong(`${path}.role`, "is required: user, assistant, system or developer");
  if (typeof content === "string") return { role, content };
  const parts = partsOf(content, `${path}.content`, drop);
  if (role !== "assistant") return { role, content: parts };
  // What an assistant said is text in nearly every dialect, and its refusal has a place of its own.
  const said = parts.filter((part) => part["type"] === "text").map((part) => part["text"] as string);
  const refused = parts.find((part) => part["type"] === "refusal")?.["refusal"];
  return present({
    role,
    content: said.length > 0 ? said.join("") : refused === undefined ? "" : null,
    refusal: refused,
  });
}

function partsOf(content: Json | undefined, path: string, drop: Drop): JsonObject[] {
  if (!Array.isArray(content)) throw wrong(path, "must be a text or a list of parts");
  const parts: JsonObject[] = [];
  for (const [at, part] of content.entries()) {
    if (!isObject(part)) throw wrong(`${path}[${at}]`, "must be an object");
    const made = partOf(part, `${path}[${at}]`);
    if (made === undefined) drop(`${path}[${at}]`);
    else parts.push(made);
  }
  return parts;
}

function partOf(part: JsonObject, path: string): JsonObject | undefined {
  const { type } = part;
  if (type === "input_text" || type === "output_text" || type === "text")
    return { type: "text", text: part["text"] == null ? "" : text(part, "text", path) };
  if (type === "refusal") return { type, refusal: part["refusal"] ?? "" };
  if (type === "input_image") {
    if (typeof part["image_url"] !== "string") return undefined;
    return { type: "image_url", image_url: present({ url: part["image_url"], detail: part["detail"] ?? undefined }) };
  }
  if (type === "input_audio") return { type, input_audio: part["input_audio"] ?? {} };
  if (type === "input_file") {
    const { file_id, filename, file_data, file_url } = part;
    return { type: "file", file: present({ file_id, filename, file_data, file_url }) };
  }
  return typeof type === "string" ? { ...part } : undefined;
}

/** Puts what an assistant thought, said and called together as one message. */
class Turns {
  private readonly done: JsonObject[] = [];
  private assistant: JsonObject | undefined;

  say(message: JsonObject): void {
    if (message["role"] !== "assistant") {
      this.close();
      this.done.push(message);
      return;
    }
    if (this.assistant?.["content"] !== undefined || this.assistant?.["tool_calls"] !== undefined) this.close();
    this.assistant = { ...message, ...this.assistant, content: message["content"]! };
  }

  call(call: JsonObject): void {
    this.assistant ??= { role: "assistant" };
    this.assistant["tool_calls"] = [...((this.assistant["tool_calls"] ?? []) as JsonObject[]), call];
  }

  think(thoughts: JsonObject): void {
    if (this.assistant?.["content"] !== undefined || this.assistant?.["tool_calls"] !== undefined) this.close();
    const { reasoning = "", reasoning_details = [] } = this.assistant ?? {};
    const text = `${reasoning as string}${(thoughts["reasoning"] ?? "") as string}`;
    const details = [...(reasoning_details as Json[]), ...((thoughts["reasoning_details"] ?? []) as Json[])];
    this.assistant = present({
      role: "assistant",
      ...this.assistant,
      reasoning: text === "" ? undefined : text,
      reasoning_details: details.length > 0 ? details : undefined,
    });
  }

  messages(): JsonObject[] {
    this.close();
    return this.done;
  }

  private close(): void {
    const { assistant } = this;
    if (assistant === undefined) return;
    this.assistant = undefined;
    // Thoughts alone are no message: nothing was said with them.
    if (assistant["content"] === undefined && assistant["tool_calls"] === undefined) return;
    this.done.push(assistant["content"] === undefined ? { ...assistant, content: null } : assistant);
  }
}

function text(item: JsonObject, name: string, path: string): string {
  const value = item[name];
  if (typeof value === "string") return value;
  throw wrong(`${path}.${name}`, "is required, and is a text");
}

/** FIELD_INVALID about one member. */
export function wrong(field: string, description: string): GatewayError {
  return errors.fieldInvalid([{ field, description }]);
}
