import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";
import { fields, textIn } from "./fields.ts";
import { partIn } from "./parts-in.ts";
import { detailOf } from "./seal.ts";

/** A content of the role `model`, put together part by part. */
class Message {
  content = "";
  reasoning = "";
  /** Thoughts whose signature has not come yet: streams tell it after the text. */
  waiting = "";
  readonly details: JsonObject[] = [];
  readonly images: JsonObject[] = [];
  readonly calls: JsonObject[] = [];

  thought(text: string, signature: string | undefined): void {
    this.reasoning += text;
    this.waiting += text;
    if (signature === undefined) return;
    const detail: JsonObject = { ...detailOf(signature) };
    // A bare signature beside a thought is that thought's.
    const bare = detail["type"] === "reasoning.encrypted" && detail["model"] === undefined && this.waiting !== "";
    const whole = bare ? { type: "reasoning.text", format: "gemini", signature: detail["data"] } : detail;
    const said = whole["type"] === "reasoning.text" ? { ...whole, text: this.waiting } : whole;
    this.waiting = "";
    this.details.push(said as JsonObject);
  }

  said(text: string, signature: string | undefined): void {
    this.waiting = "";
    this.content += text;
    if (signature !== undefined) this.details.push({ ...detailOf(signature), end: this.content.length });
  }

  call(part: JsonObject, id: string): void {
    this.waiting = "";
    const { name, args } = fields(part["functionCall"]);
    const made = { name: textIn(name) ?? "", arguments: JSON.stringify(args ?? {}) };
    this.calls.push({ id, type: "function", function: made });
    const signature = textIn(part["thoughtSignature"]);
    if (signature !== undefined) this.details.push({ ...detailOf(signature), id });
  }

  /** What the common shape has no place for goes back as it is, to whose model it was. */
  other(part: JsonObject): void {
    this.waiting = "";
    const signature = textIn(part["thoughtSignature"]);
    const image = partIn(part);
    if (image?.["type"] === "image_url" && part["inlineData"] !== undefined) {
      if (signature !== undefined) this.details.push({ ...detailOf(signature), image: this.images.length });
      this.images.push(image);
      return;
    }
    const detail = signature === undefined ? undefined : detailOf(signature);
    const whole = detail === undefined ? part : present({ ...part, thoughtSignature: detail["data"] });
    const model = detail?.model;
    this.details.push(
      present({ type: "reasoning.part", format: "gemini", model, at: this.content.length, part: whole }),
    );
  }
}

/**
 * A content of the role `model` as an assistant's message. Signatures that the gateway gave out say whose they are; others are
 * taken to be Gemini's own.
 *
 * @param at Its place among the contents, for the ids of calls that have none.
 * @param open Gets the calls.
 */
export function modelMessage(parts: readonly Json[], at: number, open: { id: string; name: string }[]): JsonObject {
  const message = new Message();
  for (const [place, value] of parts.entries()) {
    const part = fields(value);
    const { text, thought, functionCall } = part;
    const signature = textIn(part["thoughtSignature"]);
    if (isObject(functionCall)) {
      const { id, name } = fields(functionCall);
      const known = textIn(id) ?? `call_${at}_${place}`;
      open.push({ id: known, name: textIn(name) ?? "" });
      message.call(part, known);
    } else if (typeof text === "string" && thought === true) message.thought(text, signature);
    else if (typeof text === "string") message.said(text, signature);
    else if (Object.keys(part).length > 0) message.other(part);
  }
  const { content, reasoning, details, images, calls } = message;
  return present({
    role: "assistant",
    content: content === "" && calls.length > 0 ? null : content,
    reasoning: reasoning === "" ? undefined : reasoning,
    reasoning_details: details.length === 0 ? undefined : details,
    images: images.length === 0 ? undefined : images,
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}
