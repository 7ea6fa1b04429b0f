import { Body } from "../../core/body.ts";
import type { Call, Dialect } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import { includesQuoted } from "../../core/skip.ts";
import { words } from "../../core/words.ts";
import { hasLongIds, shortId } from "./long-ids.ts";
import { asks, GEMINI_ONLY, isOpenAIs } from "./members.ts";
import { plainChat } from "./plain-chat.ts";
import { ownReasoning, REASONING_FORMATS, unsealed } from "./reasoning.ts";

/** Callers whose requests were put into the common shape, and keep there what only their own API knows. */
const TRANSLATED: ReadonlySet<Dialect> = new Set(["anthropic", "gemini"]);

/** Whether a caller's parts of kinds that the common shape does not have are another vendor's than the provider's. */
export function isTranslated(call: Call): boolean {
  return TRANSLATED.has(call.arrival.dialect);
}

/** What a message has in OpenAI's API. */
const MESSAGE = new Set(words("role content name tool_calls tool_call_id refusal function_call audio"));

/** Members that many servers of OpenAI's kind know, and OpenAI does not. */
export const COMPATIBLE: ReadonlySet<string> = new Set(["top_k"]);

/**
 * A body for a server that speaks OpenAI's API, without what is another vendor's business: signatures of what other providers'
 * models thought, and members that only another API knows. What is left out is told as dropped.
 *
 * @param keep Members that the server knows beside OpenAI's.
 * @param thinker The model, where its server takes back what it thought, as `reasoning_content`.
 * @returns The same body when there is nothing to leave out, which costs a search of its bytes.
 */
export function withoutForeign(call: Call, body: Body, keep: ReadonlySet<string> = NONE, thinker?: string): Body {
  const translated = TRANSLATED.has(call.arrival.dialect);
  const translatedChat = translated && call.plan.op === "chat";
  const isStray = (name: string) =>
    GEMINI_ONLY.has(name) ||
    (translated && !isOpenAIs(call.plan.op, name) && !keep.has(name) && !(translatedChat && name === "thinking"));
  const stray = body.keys().filter(isStray);
  if (
    stray.length === 0 &&
    !translated &&
    (body.isTalk || (!hasThoughts(body, thinker === undefined) && !(keep === NONE && hasLongIds(body))))
  )
    return body;
  const json: JsonObject = { ...body.json };
  for (const name of stray) {
    if (asks(name, json[name])) call.adjust("dropped", name);
    delete json[name];
  }
  const { messages } = json;
  if (!Array.isArray(messages)) return stray.length === 0 ? body : Body.ofJson(json);
  const said = messages.map((one, at) =>
    messageFor(call, one, at, { translated, strict: keep === NONE, thoughts: thinker ?? false }),
  );
  if (
    !translatedChat &&
    stray.length === 0 &&
    said.every((one, at) => JSON.stringify(one) === JSON.stringify(messages[at]))
  )
    return body;
  const kept = { ...json, messages: said };
  return Body.ofJson(translatedChat ? plainChat(call, kept, keep === NONE) : kept);
}

/** The same for a server that knows Anthropic's members, too: signatures of others' models alone are left out, and told. */
export function withoutSignatures(call: Call, body: Body): Body {
  const messages = !body.isTalk && hasThoughts(body, false) ? body.json["messages"] : undefined;
  if (!Array.isArray(messages)) return body;
  return Body.ofJson({ ...body.json, messages: messages.map((one, at) => messageFor(call, one, at, MARKED)) });
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Ends of `reasoning_details` and `thought_signature`: a search goes from one first byte to the next, and there are a hundred
 * times as many quotes as underscores in prose.
 */
const UNDERSCORE = 0x5f;
const DETAILS = Buffer.from('_details"');
const SIGNATURE = Buffer.from('_signature"');

const CONTENT = Buffer.from('_content"');
/** It has no letter that is rare: its quotes are looked for. */
const REASONING = Buffer.from('"reasoning"');

/** Whether messages have signatures, or, where those are asked for, thoughts without one. */
function hasThoughts(body: Body, unsigned: boolean): boolean {
  const bytes = body.slice("messages");
  if (bytes !== undefined) {
    // Prose has no underscore as a rule: then one search says so for all three.
    const named = bytes.includes(UNDERSCORE);
    if (named && (bytes.includes(DETAILS) || bytes.includes(SIGNATURE))) return true;
    return unsigned && ((named && bytes.includes(CONTENT)) || includesQuoted(bytes, REASONING));
  }
  const messages = body.peek("messages");
  const isSigned = (one: Json) =>
    isObject(one) &&
    (Array.isArray(one["reasoning_details"]) ||
      isCalling(one) ||
      (unsigned && THOUGHTS.some((name) => one[name] !== undefined)));
  return Array.isArray(messages) && messages.some(isSigned);
}

function isCalling({ tool_calls }: JsonObject): boolean {
  return Array.isArray(tool_calls) && tool_calls.some((one) => isObject(one) && one["extra_content"] !== undefined);
}

/** Members of messages that tell what a model thought, and that nothing signs. */
const THOUGHTS = ["reasoning_content", "reasoning"] as const;

/** What a server takes of messages. */
interface Takes {
  /** Whether the caller's dialect is another, so that its members are. */
  readonly translated: boolean;
  /** Whether it refuses what OpenAI does not know. */
  readonly strict: boolean;
  /** Thoughts that nothing signs: none, any, or any and what this model thought for callers of other dialects. */
  readonly thoughts: boolean | string;
}

const MARKED: Takes = { translated: false, strict: false, thoughts: true };

function messageFor(call: Call, message: Json, at: number, { translated, strict, thoughts }: Takes): Json {
  if (!isObject(message)) return message;
  const kept: JsonObject = { ...message };
  const details = kept["reasoning_details"];
  let given = false;
  if (Array.isArray(details)) {
    const mine = typeof thoughts === "string" ? ownReasoning(message, "reasoning-content", thoughts) : [];
    given = mine.length > 0;
    if (given) {
      kept["reasoning_content"] = mine.map((one) => textIn(one["text"])).join("");
      delete kept["reasoning"];
    }
    const own = details.filter(
      (one) => !(isObject(one) && typeof one["format"] === "string" && REASONING_FORMATS.has(one["format"])),
    );
    if (own.length + mine.length < details.length) call.adjust("dropped", `messages[${at}].reasoning_details`);
    if (own.length > 0) kept["reasoning_details"] = own;
    else delete kept["reasoning_details"];
    // OpenAI refuses members of messages that it does not know; these came with the others.
    if (strict) leaveOut(call, kept, at, ["reasoning", "images"]);
  }
  if (thoughts === false) leaveOut(call, kept, at, THOUGHTS);
  if (Array.isArray(kept["tool_calls"])) {
    kept["tool_calls"] = kept["tool_calls"].map((one, place) =>
      callFor(call, one, `messages[${at}].tool_calls[${place}]`),
    );
  }
  if (strict) {
    if (kept["tool_call_id"] !== undefined) kept["tool_call_id"] = shortId(kept["tool_call_id"])!;
    if (Array.isArray(kept["tool_calls"])) {
      kept["tool_calls"] = kept["tool_calls"].map((one) =>
        isObject(one) && one["id"] !== undefined ? { ...one, id: shortId(one["id"])! } : one,
      );
    }
  }
  if (translated) {
    for (const [name, value] of Object.entries(kept)) {
      if (MESSAGE.has(name) || (given && name === "reasoning_content")) continue;
      if (value !== null && value !== false) call.adjust("dropped", `messages[${at}].${name}`);
      delete kept[name];
    }
  }
  return kept;
}

function leaveOut(call: Call, kept: JsonObject, at: number, names: readonly string[]): void {
  for (const name of names) {
    if ((kept[name] ?? undefined) !== undefined) call.adjust("dropped", `messages[${at}].${name}`);
    delete kept[name];
  }
}

/** A call without a signature that the gateway put there. */
function callFor(call: Call, made: Json, path: string): Json {
  if (!isObject(made) || !isObject(made["extra_content"]) || !isObject(made["extra_content"]["google"])) return made;
  const { google, ...others } = made["extra_content"];
  const { thought_signature } = google;
  if (typeof thought_signature !== "string" || unsealed(thought_signature) === undefined) return made;
  call.adjust("dropped", `${path}.extra_content`);
  const { extra_content: _, ...rest } = made;
  return Object.keys(others).length === 0 ? rest : { ...rest, extra_content: others };
}
