import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, parsedObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { ownReasoning, unsealed } from "../openai/reasoning.ts";
import { isMadeId } from "./candidate.ts";
import { fields, numberIn, some, textIn } from "./fields.ts";
import { partOut } from "./parts-out.ts";

/**
 * In place of a signature that is not there. Gemini 3 and later refuse calls without one; this is what Google says to send for
 * calls that another model made.
 *
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures#faqs
 */
const NO_SIGNATURE = "skip_thought_signature_validator";

/** What Google's own model thought and where it belongs, out of a message's `reasoning_details`. */
interface Thoughts {
  /** Whole parts, by the place in the text before which they stand. */
  readonly parts: readonly { readonly at: number; readonly part: JsonObject }[];
  /** Signatures by call, by where the signed text ends, and by image. */
  readonly calls: Map<string, string>;
  readonly ends: Map<number, string>;
  readonly images: Map<number, string>;
  /** Those of which nobody said where they belong: dialects without a place for it lose that. */
  readonly loose: string[];
}

/** An assistant's message as the parts of a `model` content, with what the same model thought then. Empty: it says nothing. */
export function modelParts(call: Call, message: Readonly<JsonObject>, at: number, model: string): JsonObject[] {
  const thoughts = thoughtsOf(call, message, at, model);
  const calls = callsOf(message);
  const signed = calls.map((one) => thoughts.calls.get(idOf(one)) ?? carried(one, model));
  if (calls.length > 0 && signed[0] === undefined) signed[0] = thoughts.loose.pop();
  const said = contentOf(call, message, at);
  const parts = woven(said, thoughts);
  for (const [place, image] of listOf(message["images"]).entries()) {
    const path = `messages[${at}].images[${place}]`;
    const { index: _, ...plain } = image;
    const part = partOut(call, { type: "image_url", ...plain }, path);
    if (part) parts.push(present({ ...part, thoughtSignature: thoughts.images.get(place) }));
  }
  if (calls.length > 0 && signed[0] === undefined && wantsSignatures(model)) {
    signed[0] = NO_SIGNATURE;
    call.adjust("defaulted", `messages[${at}].reasoning_details`);
  }
  for (const [place, one] of calls.entries()) {
    parts.push(present({ functionCall: functionCall(call, one, at, place), thoughtSignature: signed[place] }));
  }
  return parts;
}

function thoughtsOf(call: Call, message: Readonly<JsonObject>, at: number, model: string): Thoughts {
  const all = message["reasoning_details"];
  const own = ownReasoning(message, "gemini", model);
  if (Array.isArray(all) && own.length < all.length) call.adjust("dropped", `messages[${at}].reasoning_details`);
  else if (textIn(message["reasoning"]) !== undefined && own.length === 0) {
    call.adjust("dropped", `messages[${at}].reasoning`);
  }
  const parts: { at: number; part: JsonObject }[] = [];
  const thoughts = { parts, calls: new Map(), ends: new Map(), images: new Map(), loose: [] as string[] };
  let place = 0;
  for (const { type, text, signature, data, part, id, end, image, at: before } of own) {
    place = numberIn(before) ?? numberIn(end) ?? place;
    const mark = textIn(data) ?? textIn(signature);
    if (type === "reasoning.text") {
      parts.push({
        at: place,
        part: present({ text: text ?? "", thought: true, thoughtSignature: textIn(signature) }),
      });
    } else if (isObject(part)) parts.push({ at: place, part });
    else if (mark === undefined) continue;
    else if (typeof id === "string") thoughts.calls.set(id, mark);
    else if (typeof end === "number") thoughts.ends.set(end, mark);
    else if (typeof image === "number") thoughts.images.set(image, mark);
    else thoughts.loose.push(mark);
  }
  return thoughts;
}

/** A message's content as parts, refusal included. */
function contentOf(call: Call, { content, refusal }: Readonly<JsonObject>, at: number): JsonObject[] {
  const parts: JsonObject[] = [];
  if (typeof content === "string") parts.push({ text: content });
  else if (Array.isArray(content)) {
    for (const [place, part] of content.entries()) {
      parts.push(...some(partOut(call, part, `messages[${at}].content[${place}]`)));
    }
  }
  if (textIn(refusal) !== undefined) {
    call.adjust("converted", `messages[${at}].refusal`);
    parts.push({ text: refusal });
  }
  return parts.filter(({ text, ...more }) => text !== "" || Object.keys(more).length > 0);
}

/** Text cut where thoughts stand between it, and signed where it was signed. */
function woven(said: readonly JsonObject[], { parts, ends, loose }: Thoughts): JsonObject[] {
  const out: JsonObject[] = [];
  const waiting = [...parts];
  const marks = [...ends].sort(([a], [b]) => a - b);
  let place = 0;
  const before = (limit: number) => {
    while (waiting.length > 0 && waiting[0]!.at <= limit) out.push(waiting.shift()!.part);
  };
  for (const one of said) {
    if (typeof one["text"] !== "string") {
      before(place);
      out.push(one);
      continue;
    }
    const { text, ...more } = one as { text: string };
    const end = place + text.length;
    for (let from = place; from < end; ) {
      before(from);
      const cut = Math.min(end, waiting[0]?.at ?? end, marks[0]?.[0] ?? end);
      const to = cut > from ? cut : end;
      const piece: JsonObject = { text: text.slice(from - place, to - place), ...more };
      if (marks[0]?.[0] === to) piece["thoughtSignature"] = marks.shift()![1];
      out.push(piece);
      from = to;
    }
    place = end;
  }
  before(Number.POSITIVE_INFINITY);
  const late = [...marks.map(([, signature]) => signature), ...loose];
  const last = out.findLast(({ text, thought }) => typeof text === "string" && thought === undefined);
  if (late.length > 0 && last !== undefined && last["thoughtSignature"] === undefined)
    last["thoughtSignature"] = late.shift();
  for (const thoughtSignature of late) out.push({ text: "", thoughtSignature });
  return out;
}

/** The calls of a message, OpenAI's older single one too. */
export function callsOf(message: Readonly<JsonObject>): JsonObject[] {
  const { function_call } = message;
  const calls = listOf(message["tool_calls"]);
  return isObject(function_call) ? [...calls, { function: function_call }] : calls;
}

function functionCall(call: Call, { id, function: of }: JsonObject, at: number, place: number): JsonObject {
  const { name, arguments: text } = fields(of);
  const known = textIn(id);
  return present({
    id: known === undefined || isMadeId(known) ? undefined : known,
    name: name ?? "",
    args: argsOf(call, text, `messages[${at}].tool_calls[${place}].function.arguments`),
  });
}

/** Arguments as the object that Google wants. What a model wrote wrongly is no object: it goes as a text within one. */
function argsOf(call: Call, text: Json | undefined, path: string): JsonObject {
  if (isObject(text)) return text;
  if (textIn(text) === undefined) return {};
  const args = parsedObject(text as string);
  if (args !== undefined) return args;
  call.adjust("converted", path);
  return { arguments: text };
}

/** A signature that a call carries itself, as Google's OpenAI API has it, when it is of this model. */
function carried({ extra_content }: JsonObject, model: string): string | undefined {
  const { google, vertex } = fields(extra_content);
  const text = textIn(fields(google ?? vertex)["thoughtSignature"]);
  const whose = text === undefined ? undefined : unsealed(text);
  if (whose === undefined) return text;
  return whose.format === "gemini" && whose.model === model ? whose.signature : undefined;
}

/** Whether a model refuses calls without a signature: Gemini from 3 on, and the names that stand for the newest. */
function wantsSignatures(model: string): boolean {
  const generation = /gemini-(\d+)/.exec(model)?.[1];
  return generation === undefined ? /gemini-[a-z-]*latest/.test(model) : Number(generation) >= 3;
}

function idOf({ id }: JsonObject): string {
  return textIn(id) ?? "";
}

function listOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
