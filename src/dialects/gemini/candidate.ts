import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { sealed } from "../openai/reasoning.ts";
import { fields, some, textIn } from "./fields.ts";
import { isPartial, PartialArgs } from "./partial-args.ts";

/** Where an answer came from, for what a caller gives back: signatures are of one model, and calls without an id get one. */
export interface Origin {
  /** The model as the route's config names it. */
  readonly model: string;
  /** The same for every piece of one answer and for no other answer; letters, digits, `-` and `_`. */
  readonly answer: string;
}

/**
 * Reads one candidate's parts as they come, whole or in pieces, and gives what is new in the common shape, as deltas. It counts
 * what it has given, so that signatures say where they belong: `id` of a call, `end` of a text (UTF-16 units of the content before
 * and with it), `image` by its place.
 *
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export class CandidateReader {
  /** All of the text so far. */
  text = "";
  /** Function calls so far. */
  calls = 0;
  private readonly origin: Origin;
  private readonly index: number;
  private images = 0;
  private details = 0;
  /** Whether the last detail is a thought that goes on. */
  private thinking = false;
  /** The call whose arguments come in pieces. */
  private open: PartialArgs | undefined = undefined;

  constructor(origin: Origin, index: number) {
    this.origin = origin;
    this.index = index;
  }

  /** Deltas of a `content`; none when it is empty. */
  read(content: Json | undefined): JsonObject[] {
    const { parts } = fields(content);
    if (!Array.isArray(parts)) return [];
    return parts.filter(isObject).flatMap((part) => some(this.part(fields(part))));
  }

  private part(part: JsonObject): JsonObject | undefined {
    if (part["thought"] === true && typeof part["text"] === "string") return this.thought(part, part["text"]);
    this.thinking = false;
    if (typeof part["text"] === "string") return this.said(part, part["text"]);
    if (isObject(part["functionCall"])) {
      const call = fields(part["functionCall"]);
      return this.open !== undefined && call["name"] === undefined ? this.goOn(call) : this.call(part, call);
    }
    const image = imageIn(part["inlineData"]);
    if (image !== undefined && part["thought"] !== true) return this.image(part, image);
    return Object.keys(part).length === 0
      ? undefined
      : this.detail({ type: "reasoning.part", at: this.text.length, part });
  }

  private thought(part: JsonObject, text: string): JsonObject {
    if (!this.thinking) this.details++;
    const signature = textIn(part["thoughtSignature"]);
    this.thinking = signature === undefined;
    const detail = this.own({ type: "reasoning.text", index: this.details - 1, text, signature });
    return present({ reasoning: text === "" ? undefined : text, reasoning_details: [detail] });
  }

  private said(part: JsonObject, text: string): JsonObject | undefined {
    this.text += text;
    const signed = this.signed(part, { end: this.text.length });
    if (text === "" && signed === undefined) return undefined;
    return { ...(text !== "" && { content: text }), ...signed };
  }

  private call(part: JsonObject, made: JsonObject): JsonObject {
    const before = this.close()?.["tool_calls"] as JsonObject[] | undefined;
    const { id, name, args } = made;
    const place = this.calls++;
    const known = textIn(id) ?? madeId(this.origin.answer, this.index, place);
    const call: JsonObject = {
      index: place,
      id: known,
      type: "function",
      function: { name: textIn(name) ?? "", arguments: isPartial(made) ? "" : JSON.stringify(args ?? {}) },
    };
    if (isPartial(made)) {
      this.open = new PartialArgs();
      this.open.add(made["partialArgs"]);
    }
    const signature = textIn(part["thoughtSignature"]);
    // Where Google's own OpenAI API has it; clients that know it give it back.
    if (signature !== undefined) {
      call["extra_content"] = { google: { thought_signature: sealed("gemini", this.origin.model, signature) } };
    }
    return { tool_calls: [...(before ?? []), call], ...this.signed(part, { id: known }) };
  }

  /** More of a call whose arguments come in pieces; they are told when they are whole. */
  private goOn({ partialArgs, willContinue }: JsonObject): JsonObject | undefined {
    this.open!.add(partialArgs);
    return willContinue === true ? undefined : this.close();
  }

  /** The arguments of a call that came in pieces, when there is one that was not told to be over. */
  close(): JsonObject | undefined {
    const { open } = this;
    this.open = undefined;
    const place = this.calls - 1;
    return open && { tool_calls: [{ index: place, function: { arguments: JSON.stringify(open.args) } }] };
  }

  private image(part: JsonObject, url: string): JsonObject {
    const place = this.images++;
    return {
      images: [{ index: place, type: "image_url", image_url: { url } }],
      ...this.signed(part, { image: place }),
    };
  }

  private signed(part: JsonObject, where: JsonObject): JsonObject | undefined {
    const data = textIn(part["thoughtSignature"]);
    return data === undefined ? undefined : this.detail({ type: "reasoning.encrypted", data, ...where });
  }

  private detail(detail: JsonObject): JsonObject {
    return { reasoning_details: [this.own({ ...detail, index: this.details++ })] };
  }

  private own({ type, ...detail }: JsonObject): JsonObject {
    return present({ type, format: "gemini", model: this.origin.model, ...detail });
  }
}

function imageIn(value: Json | undefined): string | undefined {
  const { mimeType, data } = fields(value);
  return typeof mimeType === "string" && mimeType.startsWith("image/") && typeof data === "string"
    ? `data:${mimeType};base64,${data}`
    : undefined;
}

/** The id of a call that came without one. */
function madeId(answer: string, candidate: number, place: number): string {
  return `gemini_${answer}_${candidate}_${place}`;
}

/** Whether a call's id is one that we made, which Google does not know. */
export function isMadeId(id: string): boolean {
  return /^gemini_.*_\d+_\d+$/.test(id);
}

/** A call, or more of its arguments. */
function joinCall(calls: JsonObject[], place: number, call: JsonObject): void {
  const before = calls[place];
  if (before === undefined) {
    calls[place] = call;
    return;
  }
  const [was, now] = [fields(before["function"]), fields(call["function"])];
  const args = `${textIn(was["arguments"]) ?? ""}${textIn(now["arguments"]) ?? ""}`;
  calls[place] = { ...before, function: { ...was, arguments: args } };
}

/** Deltas of one candidate, joined to a message. */
export function joined(deltas: readonly JsonObject[]): JsonObject {
  let content = "";
  let reasoning = "";
  const details: JsonObject[] = [];
  const images: JsonObject[] = [];
  const calls: JsonObject[] = [];
  for (const delta of deltas) {
    if (typeof delta["content"] === "string") content += delta["content"];
    if (typeof delta["reasoning"] === "string") reasoning += delta["reasoning"];
    for (const one of objectsIn(delta["reasoning_details"])) {
      const before = details.find(({ index }) => index === one["index"]);
      if (before === undefined) details.push({ ...one });
      else Object.assign(before, one, { text: `${textIn(before["text"]) ?? ""}${textIn(one["text"]) ?? ""}` });
    }
    for (const { index: _, ...image } of objectsIn(delta["images"])) images.push(image);
    for (const { index, ...call } of objectsIn(delta["tool_calls"])) joinCall(calls, Number(index), call);
  }
  return present({
    role: "assistant",
    content: content === "" && (calls.length > 0 || images.length > 0) ? null : content,
    reasoning: reasoning === "" ? undefined : reasoning,
    reasoning_details: details.length === 0 ? undefined : details,
    images: images.length === 0 ? undefined : images,
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}
