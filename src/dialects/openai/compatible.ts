import type { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { COMPATIBLE, withoutForeign, withoutSignatures } from "./foreign.ts";
import { textOf } from "./media.ts";
import { only } from "./only.ts";
import { Taken } from "./take.ts";

/** Where a server that speaks OpenAI's API differs from OpenAI. Everything else goes through as it came. */
export interface Differences {
  /** Members that it has no place for: not sent, and told as dropped when they ask for something. */
  readonly lacks?: readonly string[];
  /** Members that it calls by another name; that name wins where both were given. Nobody is told: it means the same. */
  readonly renames?: Readonly<Record<string, string>>;
  /** Upper end of its range of temperatures, where that is not 2. */
  readonly maxTemperature?: number;
  /** True: it has no role `developer`; such messages are sent as `system`, told as converted. */
  readonly noDeveloper?: boolean;
  /** True: it has no place for a message's `name`. */
  readonly noNames?: boolean;
  /** Members of messages that it has no place for: not sent, and told as dropped. */
  readonly messageLacks?: readonly string[];
  /** True: `content` is a text alone. Texts in parts are joined; other parts are told as dropped. */
  readonly textOnly?: boolean;
  /** True: it takes what Anthropic's API has beside OpenAI's, such as `thinking` and marks for caches. */
  readonly takesAnthropic?: boolean;
  /** True: it takes back what its model thought, as `reasoning_content`. */
  readonly reasoning?: boolean;
  /** True: its model stands in the path, and not in the body. */
  readonly noModel?: boolean;
  /** True: of `response_format` it has `json_object` alone; a schema is told as dropped. */
  readonly noSchemas?: boolean;
}

/**
 * The bytes to send to such a server, with its model's name. A body that asks for nothing that differs is not parsed.
 * The call's own body stays as it is but for the model: another target may get it after this one.
 */
export function compatibleBody(call: Call, asked: Body, model: string, differs: Differences): Buffer {
  asked.set("model", model);
  const kindred = differs.takesAnthropic === true && call.arrival.dialect !== "gemini";
  const body = kindred
    ? withoutSignatures(call, asked)
    : withoutForeign(call, asked, COMPATIBLE, differs.reasoning ? model : undefined);
  if (!touches(body, differs)) return body.bytes;
  const json: JsonObject = { ...body.json };
  if (differs.noModel) delete json["model"];
  const taken = new Taken(call, body.json);
  for (const name of differs.lacks ?? []) {
    taken.drop(name);
    delete json[name];
  }
  for (const [name, theirs] of Object.entries(differs.renames ?? {})) {
    const value = json[name];
    if (value === undefined) continue;
    delete json[name];
    json[theirs] ??= value;
  }
  const { maxTemperature } = differs;
  if (maxTemperature !== undefined) {
    const temperature = taken.scaled("temperature", maxTemperature, 2);
    if (temperature !== undefined) json["temperature"] = temperature;
  }
  if (Array.isArray(json["messages"]))
    json["messages"] = json["messages"].map((one, at) => messageFor(call, one, at, differs));
  if (differs.noSchemas && isSchema(json["response_format"])) {
    call.adjust("dropped", "response_format.json_schema");
    json["response_format"] = { type: "json_object" };
  }
  return Buffer.from(JSON.stringify(json));
}

function touches(
  body: Body,
  { lacks = [], renames = {}, maxTemperature, noModel, noSchemas, ...messagesDiffer }: Differences,
): boolean {
  if (noModel) return true;
  const has = (name: string) => (body.peek(name) ?? null) !== null;
  if (lacks.some(has) || Object.keys(renames).some(has)) return true;
  if (maxTemperature !== undefined && has("temperature")) return true;
  if (noSchemas && isSchema(body.peek("response_format"))) return true;
  const { noDeveloper, noNames, messageLacks = [], textOnly } = messagesDiffer;
  const words = [...(noDeveloper ? ["developer"] : []), ...(noNames ? ["name"] : []), ...messageLacks];
  if (words.length === 0 && !textOnly) return false;
  const messages = body.slice("messages");
  return messages === undefined || textOnly === true || words.some((word) => messages.includes(`"${word}"`));
}

function messageFor(call: Call, message: Json, at: number, differs: Differences): Json {
  if (!isObject(message)) return message;
  const { noDeveloper, noNames, messageLacks = [], textOnly } = differs;
  let one = message;
  if (noDeveloper && one["role"] === "developer") {
    call.adjust("converted", `messages[${at}].role`);
    one = { ...one, role: "system" };
  }
  if (noNames && one["name"] !== undefined && one["role"] !== "function") {
    call.adjust("dropped", `messages[${at}].name`);
    const { name: _, ...rest } = one;
    one = rest;
  }
  for (const name of messageLacks) {
    if ((one[name] ?? null) === null) continue;
    call.adjust("dropped", `messages[${at}].${name}`);
    one = { ...one };
    delete one[name];
  }
  if (textOnly && Array.isArray(one["content"])) {
    for (const [place, part] of one["content"].entries()) {
      const path = `messages[${at}].content[${place}]`;
      if (!isObject(part) || part["type"] !== "text") call.adjust("dropped", path);
      else only(call, path, part, ["type", "text"]);
    }
    one = { ...one, content: textOf(one["content"]) };
  }
  return one;
}

function isSchema(format: Json | undefined): boolean {
  return isObject(format) && format["type"] === "json_schema";
}
