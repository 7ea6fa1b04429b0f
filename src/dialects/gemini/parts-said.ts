import { isObject, type Json, type JsonObject, objectsIn, parsedObject } from "../../core/json.ts";
import { argumentsIn } from "../openai/calls-in.ts";
import { present } from "../openai/make.ts";
import { dataUrl } from "../openai/media.ts";
import { numberIn, textIn } from "./fields.ts";
import { sealedDetail } from "./seal.ts";

/** An answer's message as the parts of a candidate, every piece of reasoning sealed, so that it comes back with whose it is. */
export function partsSaid(message: Readonly<JsonObject>): JsonObject[] {
  const details = objectsIn(message["reasoning_details"]);
  const signed = placed(details);
  const calls = objectsIn(message["tool_calls"]);
  return [
    ...thoughtsSaid(details, message["reasoning"] ?? message["reasoning_content"]),
    ...textSaid(textIn(message["content"]) ?? contentText(message["content"]), signed),
    ...(textIn(message["refusal"]) === undefined ? [] : [{ text: message["refusal"]! }]),
    ...objectsIn(message["images"]).flatMap((image, at) => imageSaid(image, signed.images.get(at))),
    ...calls.map((call) => callSaid(call, signed.calls.get(textIn(call["id"]) ?? ""))),
  ];
}

/** Details that belong to something of the message, by what that is. */
function placed(details: readonly JsonObject[]) {
  const calls = new Map<string, string>();
  const ends = new Map<number, string>();
  const images = new Map<number, string>();
  const parts: { at: number; part: JsonObject }[] = [];
  for (const detail of details) {
    const { part, at } = detail;
    if (isObject(part)) parts.push({ at: numberIn(at) ?? 0, part: partSaid(detail, part) });
    else if (isOfCall(detail)) calls.set(detail.id, sealedDetail(detail));
    else if (typeof detail["end"] === "number") ends.set(detail["end"], sealedDetail(detail));
    else if (typeof detail["image"] === "number") images.set(detail["image"], sealedDetail(detail));
  }
  return { calls, ends, images, parts };
}

/** Only Gemini's name a call; `id` of others is their own. */
export function isOfCall(detail: JsonObject): detail is JsonObject & { id: string } {
  const { type, format, id } = detail;
  return format === "gemini" && type === "reasoning.encrypted" && typeof id === "string";
}

/** Whether a piece of reasoning is a thought of its own. */
export function isThought(detail: JsonObject): boolean {
  return !isObject(detail["part"]) && !isOfCall(detail) && detail["end"] === undefined && detail["image"] === undefined;
}

/** A part that is Google's own; its signature says whose it is, as every other. */
export function partSaid(detail: JsonObject, part: JsonObject): JsonObject {
  const { thoughtSignature } = part;
  if (typeof thoughtSignature !== "string") return part;
  const { format, model } = detail;
  return {
    ...part,
    thoughtSignature: sealedDetail(present({ type: "reasoning.encrypted", format, model, data: thoughtSignature })),
  };
}

function thoughtsSaid(details: readonly JsonObject[], reasoning: Json | undefined): JsonObject[] {
  const own = details.filter(isThought);
  const words = own.map((one) => textIn(one["text"]) ?? textIn(one["summary"]) ?? "");
  const parts = own.map((one, at) => ({ text: words[at]!, thought: true, thoughtSignature: sealedDetail(one) }));
  const all = textIn(reasoning);
  return all !== undefined && words.join("") === "" ? [{ text: all, thought: true }, ...parts] : parts;
}

function textSaid(text: string, { ends, parts }: ReturnType<typeof placed>): JsonObject[] {
  const out: JsonObject[] = [];
  const waiting = [...parts];
  const marks = [...ends].sort(([a], [b]) => a - b);
  for (let from = 0; from < text.length; ) {
    while (waiting[0] !== undefined && waiting[0].at <= from) out.push(waiting.shift()!.part);
    const cut = Math.min(text.length, waiting[0]?.at ?? text.length, marks[0]?.[0] ?? text.length);
    const to = cut > from ? cut : text.length;
    out.push({ text: text.slice(from, to), ...(marks[0]?.[0] === to && { thoughtSignature: marks.shift()![1] }) });
    from = to;
  }
  for (const { part } of waiting) out.push(part);
  for (const [, thoughtSignature] of marks) out.push({ text: "", thoughtSignature });
  return out;
}

export function imageSaid(image: JsonObject, signature: string | undefined): JsonObject[] {
  const url = isObject(image["image_url"]) ? textIn(image["image_url"]["url"]) : undefined;
  if (url === undefined) return [];
  const inline = dataUrl(url);
  const media = inline
    ? { inlineData: { mimeType: inline.mediaType, data: inline.data } }
    : { fileData: { fileUri: url } };
  return [present({ ...media, thoughtSignature: signature })];
}

function callSaid({ id, function: of, custom }: JsonObject, signature: string | undefined): JsonObject {
  const told = isObject(of) ? of : isObject(custom) ? custom : {};
  return callPart(textIn(id), textIn(told["name"]) ?? "", argumentsIn(told["arguments"] ?? told["input"]), signature);
}

/** A call as a part. What a model wrote in place of JSON is one text within the arguments. */
export function callPart(
  id: string | undefined,
  name: string,
  args: string,
  signature: string | undefined,
): JsonObject {
  return present({ functionCall: present({ id, name, args: argsSaid(args) }), thoughtSignature: signature });
}

function argsSaid(text: string): JsonObject {
  return text.trim() === "" ? {} : (parsedObject(text) ?? { arguments: text });
}

function contentText(content: Json | undefined): string {
  return objectsIn(content)
    .map(({ text }) => textIn(text) ?? "")
    .join("");
}
