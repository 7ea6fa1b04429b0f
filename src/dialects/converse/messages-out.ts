import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, parsedObject, textIn } from "../../core/json.ts";
import { only } from "../openai/only.ts";
import { cachePoint, contentOut, textOut } from "./content-out.ts";
import { thoughtsOut } from "./reasoning.ts";

/** A conversation in Converse's words. */
export interface Conversation {
  readonly system: JsonObject[];
  readonly messages: JsonObject[];
}

/**
 * Instructions apart from what is said, and what is said by `user` and `assistant` in turn: results of tools are the user's, and
 * messages of one role that follow each other become one. Instructions in the middle go to the others, told as converted.
 *
 * Throws FIELD_INVALID for a role that is not known, or arguments of a tool call that are no JSON object.
 */
export function messagesOut(call: Call, messages: Json | undefined, model: string): Conversation {
  if (!Array.isArray(messages)) throw errors.fieldInvalid([{ field: "messages", description: "must be a list" }]);
  const system: JsonObject[] = [];
  const turns: { role: string; content: JsonObject[] }[] = [];
  const names = new Set<string>();
  const say = (role: string, blocks: JsonObject[]) => {
    if (blocks.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...blocks);
    else turns.push({ role, content: blocks });
  };
  for (const [at, message] of messages.entries()) {
    const path = `messages[${at}]`;
    if (!isObject(message)) throw errors.fieldInvalid([{ field: path, description: "must be an object" }]);
    const { role } = message;
    if (role === "system" || role === "developer") {
      if (turns.length > 0) call.adjust("converted", path);
      system.push(...plainOut(call, path, message, names));
    } else if (role === "assistant") say(role, assistantOut(call, path, message, model, names));
    else if (role === "tool") say("user", [...resultOut(call, path, message, names), ...mark(message)]);
    else if (role === "user") say(role, plainOut(call, path, message, names));
    else throw errors.fieldInvalid([{ field: `${path}.role`, description: `is not known to Bedrock's Converse` }]);
  }
  if (turns.length === 0 && system.length > 0) {
    // Bedrock wants something to answer to.
    call.adjust("converted", "messages[0].role");
    say("user", system.splice(0));
  }
  return { system, messages: turns.map(({ role, content }) => ({ role, content })) };
}

const mark = (message: Readonly<JsonObject>) => cachePoint(message["cache_control"]);

function plainOut(call: Call, path: string, message: Readonly<JsonObject>, names: Set<string>): JsonObject[] {
  only(call, path, message, [], ["role", "content", "cache_control"]);
  const blocks = contentOut(call, `${path}.content`, message["content"], names);
  return blocks.length === 0 ? [] : [...blocks, ...mark(message)];
}

function assistantOut(
  call: Call,
  path: string,
  message: Readonly<JsonObject>,
  model: string,
  names: Set<string>,
): JsonObject[] {
  const { content, refusal, tool_calls, ...rest } = message;
  // `annotations` are the answer's sources: it was given with them, and is read without.
  only(call, path, rest, [], ["role", "cache_control", "reasoning", "reasoning_details", "annotations"]);
  const said = contentOut(call, `${path}.content`, content, names);
  const calls = Array.isArray(tool_calls) ? tool_calls.filter(isObject) : [];
  const blocks = [
    ...thoughtsOut(call, path, message, model),
    ...said,
    ...textOut(refusal),
    ...calls.flatMap((one, at) => callOut(call, `${path}.tool_calls[${at}]`, one)),
  ];
  return blocks.length === 0 ? [] : [...blocks, ...mark(message)];
}

function callOut(call: Call, path: string, one: Readonly<JsonObject>): JsonObject[] {
  const { id, function: called } = one;
  if (!isObject(called)) {
    call.adjust("dropped", path);
    return [];
  }
  only(call, path, one, ["id", "type", "function", "index", "cache_control", "block_index"]);
  only(call, `${path}.function`, called, ["name", "arguments"]);
  const input = inputOf(`${path}.function.arguments`, called["arguments"]);
  return [{ toolUse: { toolUseId: toolId(id), name: called["name"] ?? "", input } }, ...mark(one)];
}

function inputOf(path: string, args: Json | undefined): JsonObject {
  if (isObject(args)) return args;
  if (args === undefined || args === null || args === "") return {};
  const input = parsedObject(textIn(args));
  if (input !== undefined) return input;
  throw errors.fieldInvalid([{ field: path, description: "must be a JSON object for Bedrock" }]);
}

/** The result of a tool. Marks for the cache cannot stand within: they come after it. */
function resultOut(call: Call, path: string, message: Readonly<JsonObject>, names: Set<string>): JsonObject[] {
  const { content, tool_call_id, is_error } = message;
  only(call, path, message, [], ["role", "content", "tool_call_id", "is_error", "cache_control"]);
  const blocks = contentOut(call, `${path}.content`, content, names);
  const within = blocks.filter((block) => block["cachePoint"] === undefined);
  const result = { toolUseId: toolId(tool_call_id), content: within };
  return [
    { toolResult: is_error === true ? { ...result, status: "error" } : result },
    ...blocks.filter((block) => block["cachePoint"] !== undefined),
  ];
}

/** An id of another provider in the characters and the length that Converse takes; the same for a call and its result. */
function toolId(id: Json | undefined): string {
  return textIn(id)
    .replace(/[^\w.:-]/g, "_")
    .slice(0, 64);
}
