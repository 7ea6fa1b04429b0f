import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { textOf } from "../openai/media.ts";
import { only } from "../openai/only.ts";
import { ownReasoning } from "../openai/reasoning.ts";
import { blocksOf, type Drop } from "./blocks-out.ts";
import { inputOf } from "./input.ts";
import { inOrder, type Placed } from "./order.ts";

/** A conversation in the API's words. */
export interface Conversation {
  /** A text alone, or blocks; `undefined`: no instructions. */
  readonly system: Json | undefined;
  readonly messages: JsonObject[];
}

/** One turn under way. `content` is a text as long as nothing was added to it. */
interface Turn {
  readonly role: string;
  content: string | JsonObject[];
}

/**
 * The messages of the common shape as turns: what stands at the head as instructions becomes `system`, tool results become
 * blocks of the user's turn, and neighbours of one role become one turn. Instructions further down stay where they are for
 * callers of the API itself; for others they go to the head, since most models refuse them elsewhere, and that is told.
 *
 * @param model Only what this model thought is given back to it.
 */
export function conversationOf(call: Call, messages: Json | undefined, model: string): Conversation {
  const native = call.arrival.dialect === "anthropic";
  const system: (string | JsonObject[])[] = [];
  const turns: Turn[] = [];
  const list = Array.isArray(messages) ? messages : [];
  for (let at = 0; at < list.length; at++) {
    const message = list[at];
    if (!isObject(message)) continue;
    const drop: Drop = (path) => call.adjust("dropped", path === "" ? `messages[${at}]` : `messages[${at}].${path}`);
    const { role } = message;
    if (message["name"] !== undefined && message["name"] !== null && role !== "function") drop("name");
    // What else a tool's result has goes along with it.
    if (role !== "tool" && role !== "function") only(call, `messages[${at}]`, message, [], KNOWN);
    if (role === "system" || role === "developer") {
      const said = plain(message, native, drop);
      if (turns.length === 0) system.push(said);
      else if (native) turns.push({ role: "system", content: said });
      else {
        call.adjust("converted", `messages[${at}]`);
        system.push(said);
      }
    } else if (role === "assistant") add(turns, "assistant", assistant(message, native, model, drop));
    else if (role === "tool") add(turns, "user", [toolResult(message, native, drop)]);
    else if (role === "user") add(turns, "user", plain(message, native, drop));
    else drop("");
  }
  if (turns.length === 0 && !native && system.some((one) => one.length > 0)) {
    // The API wants something to answer to.
    call.adjust("converted", "messages[0].role");
    add(turns, "user", together(system) as string | JsonObject[]);
    system.length = 0;
  }
  return { system: together(system), messages: turns.map(({ role, content }) => ({ role, content })) };
}

/** Content of text and media: a text alone as it came. */
function plain({ content }: JsonObject, native: boolean, drop: Drop): string | JsonObject[] {
  return typeof content === "string" ? content : blocksOf(content, native, drop);
}

function add(turns: Turn[], role: string, content: string | JsonObject[]): void {
  // The API refuses a turn without content, and nothing is lost with it.
  if (content.length === 0) return;
  const last = turns.at(-1);
  if (last === undefined || last.role !== role) turns.push({ role, content });
  else last.content = [...asBlocks(last.content), ...asBlocks(content)];
}

function asBlocks(content: string | JsonObject[]): JsonObject[] {
  if (typeof content !== "string") return content;
  return content === "" ? [] : [{ type: "text", text: content }];
}

function together(system: (string | JsonObject[])[]): Json | undefined {
  const said = system.filter((one) => one.length > 0);
  if (said.length < 2) return said[0];
  return said.flatMap(asBlocks);
}

/** Members of messages that have a place, or are told where it is known whether they do. */
const KNOWN = words("role content content_parts name refusal tool_calls reasoning reasoning_details annotations");

function assistant(message: JsonObject, native: boolean, model: string, drop: Drop): string | JsonObject[] {
  const { tool_calls, reasoning, refusal } = message;
  const thought = ownReasoning(message, "anthropic", model);
  const told = message["reasoning_details"];
  if (Array.isArray(told) && told.length > thought.length) drop("reasoning_details");
  else if (thought.length === 0 && typeof reasoning === "string" && reasoning !== "") drop("reasoning");
  const content = saidBy(message);
  if (thought.length === 0 && !tool_calls && !refusal && typeof content === "string") return content;
  const said = blocksOf(content, native, drop);
  if (said.length === 0 && typeof refusal === "string" && refusal !== "") said.push({ type: "text", text: refusal });
  else if (refusal) drop("refusal");
  const placed: Placed[] = [];
  for (const { format: _f, model: _m, index, ...detail } of thought) {
    const block = thinking(detail);
    if (block !== undefined) placed.push({ block, at: index });
  }
  const calls: Placed[] = [];
  if (Array.isArray(tool_calls)) {
    for (let at = 0; at < tool_calls.length; at++) {
      const block = toolUse(tool_calls[at], (path) => drop(`tool_calls[${at}]${path}`));
      if (block !== undefined) calls.push(block);
    }
  }
  return inOrder(placed, said, calls);
}

/** What an assistant said: `content_parts`, where they are there, have it whole, unless the text was changed since. */
function saidBy({ content, content_parts }: JsonObject): Json | undefined {
  if (!Array.isArray(content_parts)) return content;
  return textOf(content_parts) === textOf(content) ? content_parts : content;
}

function thinking({ type, text, signature, data, ...rest }: JsonObject): JsonObject | undefined {
  if (type === "reasoning.text" && typeof signature === "string" && signature !== "") {
    return { type: "thinking", thinking: text ?? "", signature, ...rest };
  }
  if (type !== "reasoning.encrypted" || typeof data !== "string") return undefined;
  return { type: "redacted_thinking", data, ...rest };
}

function toolUse(call: Json | undefined, drop: Drop): Placed | undefined {
  const { id, function: called, block_index, extra_content, type: _, ...rest } = isObject(call) ? call : {};
  if (typeof id !== "string" || !isObject(called)) {
    drop("");
    return undefined;
  }
  delete rest["index"];
  // Another vendor's signature of the call.
  if (extra_content !== undefined) drop(".extra_content");
  for (const [name, value] of Object.entries(called))
    if (name !== "name" && name !== "arguments" && value !== null) drop(`.function.${name}`);
  const input = inputOf(called["arguments"]);
  const block = { type: "tool_use", id: toolId(id), name: called["name"] ?? "", input, ...rest };
  return { block, at: block_index };
}

function toolResult(message: JsonObject, native: boolean, drop: Drop): JsonObject {
  const { tool_call_id, content, is_error, role: _r, name: _n, ...rest } = message;
  const id = typeof tool_call_id === "string" ? toolId(tool_call_id) : "";
  const said = plain({ content } as JsonObject, native, drop);
  return {
    type: "tool_result",
    tool_use_id: id,
    ...(said.length > 0 && { content: said }),
    ...(typeof is_error === "boolean" && { is_error }),
    ...rest,
  };
}

/** The API takes letters, digits, `_` and `-`; other providers' ids have more. */
function toolId(id: string): string {
  return /^[\w-]+$/.test(id) ? id : id.replace(/[^\w-]/g, "_");
}
