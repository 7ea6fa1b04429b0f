import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { present } from "../openai/make.ts";
import { textOf } from "../openai/media.ts";
import { isMadeId } from "./candidate.ts";
import { fields, some, textIn } from "./fields.ts";
import { callsOf, modelParts } from "./model-out.ts";
import { partOut } from "./parts-out.ts";

/** Members of a message that are said, or told as lost, by who says the rest of it. */
const SAID = new Set(
  words(`
    role content tool_calls function_call tool_call_id refusal reasoning reasoning_details images is_error
    annotations
  `),
);

/** What a conversation comes to. */
export interface Contents {
  readonly contents: JsonObject[];
  readonly systemInstruction?: JsonObject;
}

/**
 * A conversation in Google's words. Instructions all go to its head, where Google has a place for them; one from later in the
 * conversation is told as converted. Results of calls go together into one content, in the order of the calls.
 *
 * Throws FIELD_INVALID for a result of a call that no message before it makes: Google wants the function's name.
 *
 * @param model Its name in the route's config; what it thought goes back to it alone.
 */
export function contentsOf(call: Call, messages: Json | undefined, model: string): Contents {
  const contents: JsonObject[] = [];
  const system: JsonObject[] = [];
  const known = new Map<string, { name: string; place: number }>();
  let results: { part: JsonObject; place: number }[] = [];
  const flush = () => {
    if (results.length === 0) return;
    // Where Gemini gave no ids it tells calls of one name apart by their order.
    const parts = results.sort((a, b) => a.place - b.place).map(({ part }) => part);
    contents.push({ role: "user", parts });
    results = [];
  };
  const list = Array.isArray(messages) ? messages.map((one) => (isObject(one) ? one : {})) : [];
  for (const [at, message] of list.entries()) {
    const role = message["role"];
    tellLost(call, message, at);
    if (role === "tool" || role === "function") {
      results.push(resultOf(call, message, at, known));
      continue;
    }
    flush();
    if (role === "system" || role === "developer") {
      if (contents.length > 0) call.adjust("converted", `messages[${at}].role`);
      system.push(...userParts(call, message["content"], at));
    } else if (role === "assistant") {
      const parts = modelParts(call, message, at, model);
      if (parts.length > 0) contents.push({ role: "model", parts });
      for (const [place, { id, function: of }] of callsOf(message).entries()) {
        const name = textIn(fields(of)["name"]) ?? "";
        known.set(textIn(id) ?? name, { name, place });
      }
    } else contents.push({ role: "user", parts: userParts(call, message["content"], at) });
  }
  flush();
  if (contents.length > 0)
    return system.length === 0 ? { contents } : { contents, systemInstruction: { parts: system } };
  // Google answers contents; instructions alone are one.
  if (system.length > 0) call.adjust("converted", "messages[0].role");
  return { contents: system.length === 0 ? [] : [{ role: "user", parts: system }] };
}

function tellLost(call: Call, message: JsonObject, at: number): void {
  for (const [name, value] of Object.entries(message)) {
    if (SAID.has(name) || value === null || (name === "name" && message["role"] === "function")) continue;
    call.adjust("dropped", `messages[${at}].${name}`);
  }
}

function userParts(call: Call, content: Json | undefined, at: number): JsonObject[] {
  if (!Array.isArray(content)) return [{ text: typeof content === "string" ? content : "" }];
  return content.flatMap((part, place) => some(partOut(call, part, `messages[${at}].content[${place}]`)));
}

function resultOf(
  call: Call,
  message: JsonObject,
  at: number,
  known: ReadonlyMap<string, { name: string; place: number }>,
): { part: JsonObject; place: number } {
  const id = textIn(message["tool_call_id"]);
  const made = known.get(id ?? textIn(message["name"]) ?? "");
  const name = made?.name ?? textIn(message["name"]);
  if (name === undefined) {
    const description = "must be the id of a call that a message before it makes";
    throw errors.fieldInvalid([{ field: `messages[${at}].tool_call_id`, description }]);
  }
  const media = mediaOf(call, message["content"], at);
  const functionResponse = present({
    id: id === undefined || isMadeId(id) ? undefined : id,
    name,
    response: responseOf(message["content"], message["is_error"] === true),
    parts: media.length === 0 ? undefined : media,
  });
  return { part: { functionResponse }, place: made?.place ?? Number.MAX_SAFE_INTEGER };
}

/** What came of a call, as the object that Google wants: one is sent as it is, a text under `output`, a failure under `error`. */
function responseOf(content: Json | undefined, failed: boolean): JsonObject {
  const text = textOf(content);
  if (!failed && text.startsWith("{")) {
    try {
      const json: unknown = JSON.parse(text);
      if (isObject(json)) return json;
    } catch {
      // It only looks like an object.
    }
  }
  return failed ? { error: text } : { output: text };
}

/** Pictures and files that a function gave. */
function mediaOf(call: Call, content: Json | undefined, at: number): JsonObject[] {
  if (!Array.isArray(content)) return [];
  return content.flatMap((part, place) => {
    if (isObject(part) && part["type"] === "text") return [];
    return some(partOut(call, part, `messages[${at}].content[${place}]`));
  });
}
