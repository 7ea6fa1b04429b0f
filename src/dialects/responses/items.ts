import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { argumentsIn } from "../openai/calls-in.ts";
import { reasoningItem } from "./thoughts.ts";

/** Tells one event of a response. */
export type Tell = (type: string, members: JsonObject) => void;

/** One item of a response's output, while it is made. */
export abstract class Item {
  protected readonly id: string;
  protected readonly at: number;
  protected readonly tell: Tell;

  constructor(id: string, at: number, tell: Tell) {
    this.id = id;
    this.at = at;
    this.tell = tell;
  }

  /** As it stands. */
  abstract get json(): JsonObject;

  open(): void {
    this.tell("response.output_item.added", { output_index: this.at, item: this.json });
  }

  protected done(): void {
    this.tell("response.output_item.done", { output_index: this.at, item: this.json });
  }

  protected get place(): JsonObject {
    return { item_id: this.id, output_index: this.at };
  }
}

/** What a model thinks; its text is told as a summary of one part. */
export class ThoughtItem extends Item {
  private readonly encrypted: boolean;
  private text = "";
  private details: Json[] = [];
  private begun = false;

  constructor(id: string, at: number, tell: Tell, encrypted: boolean) {
    super(id, at, tell);
    this.encrypted = encrypted;
  }

  get json(): JsonObject {
    return reasoningItem(this.id, this.text, joined(this.details), this.encrypted);
  }

  add(text: string, details: readonly Json[]): void {
    this.details.push(...details);
    if (text === "") return;
    if (!this.begun) {
      this.begun = true;
      const part = { type: "summary_text", text: "" };
      this.tell("response.reasoning_summary_part.added", { ...this.place, summary_index: 0, part });
    }
    this.text += text;
    this.tell("response.reasoning_summary_text.delta", { ...this.place, summary_index: 0, delta: text });
  }

  close(): void {
    if (this.begun) {
      const { text } = this;
      this.tell("response.reasoning_summary_text.done", { ...this.place, summary_index: 0, text });
      const part = { type: "summary_text", text };
      this.tell("response.reasoning_summary_part.done", { ...this.place, summary_index: 0, part });
    }
    this.done();
  }
}

/** Pieces of one thought, which come with the same index, as one. */
function joined(details: readonly Json[]): Json[] {
  const whole: JsonObject[] = [];
  for (const piece of details) {
    if (!isObject(piece)) continue;
    const last = whole.at(-1);
    if (
      last === undefined ||
      piece["index"] === undefined ||
      last["index"] !== piece["index"] ||
      last["type"] !== piece["type"]
    ) {
      whole.push({ ...piece });
      continue;
    }
    for (const [name, value] of Object.entries(piece)) {
      const before = last[name];
      const grows = name === "text" || name === "summary" || name === "data";
      last[name] = grows && typeof before === "string" && typeof value === "string" ? before + value : value!;
    }
  }
  return whole;
}

type TextPart =
  | { type: "output_text"; text: string; annotations: Json[]; logprobs: Json[] }
  | { type: "refusal"; refusal: string };

/** What a model says: parts of text, and of refusal. */
export class TextItem extends Item {
  private readonly parts: TextPart[] = [];
  private status = "in_progress";

  get json(): JsonObject {
    const content = this.parts.map((part): JsonObject => ({ ...part }));
    return { id: this.id, type: "message", status: this.status, role: "assistant", content };
  }

  add(kind: TextPart["type"], text: string, logprobs: Json[]): void {
    let part = this.parts.at(-1);
    if (part?.type !== kind) {
      this.closePart();
      part = kind === "refusal" ? { type: kind, refusal: "" } : { type: kind, text: "", annotations: [], logprobs: [] };
      this.parts.push(part);
      this.tell("response.content_part.added", {
        ...this.place,
        content_index: this.parts.length - 1,
        part: { ...part },
      });
    }
    const where = { ...this.place, content_index: this.parts.length - 1 };
    if (part.type === "refusal") {
      part.refusal += text;
      this.tell("response.refusal.delta", { ...where, delta: text });
      return;
    }
    part.text += text;
    part.logprobs.push(...logprobs);
    this.tell("response.output_text.delta", { ...where, delta: text, logprobs });
  }

  /** A source of the text that is told by now. */
  annotate(annotation: Json): void {
    const part = this.parts.at(-1);
    if (part?.type !== "output_text") return;
    const flat =
      isObject(annotation) && isObject(annotation["url_citation"])
        ? { type: "url_citation", ...annotation["url_citation"] }
        : annotation;
    part.annotations.push(flat);
    const where = {
      ...this.place,
      content_index: this.parts.length - 1,
      annotation_index: part.annotations.length - 1,
    };
    this.tell("response.output_text.annotation.added", { ...where, annotation: flat });
  }

  close(status: string): void {
    this.closePart();
    this.status = status;
    this.done();
  }

  private closePart(): void {
    const part = this.parts.at(-1);
    if (part === undefined) return;
    const where = { ...this.place, content_index: this.parts.length - 1 };
    if (part.type === "refusal") this.tell("response.refusal.done", { ...where, refusal: part.refusal });
    else this.tell("response.output_text.done", { ...where, text: part.text, logprobs: part.logprobs });
    this.tell("response.content_part.done", { ...where, part: { ...part } });
  }
}

/** A call of a function, or of a tool that takes free text. */
export class CallItem extends Item {
  private readonly callId: string;
  private readonly custom: boolean;
  private name = "";
  private args = "";
  private status = "in_progress";

  /** @param piece The call's first piece. */
  constructor(id: string, at: number, tell: Tell, piece: JsonObject) {
    super(id, at, tell);
    this.callId = textIn(piece, "id");
    this.custom = isObject(piece["custom"]);
    this.name = textIn(told(piece), "name");
  }

  get json(): JsonObject {
    const { id, status, callId: call_id, name } = this;
    return this.custom
      ? { id, type: "custom_tool_call", status, call_id, name, input: this.args }
      : { id, type: "function_call", status, call_id, name, arguments: this.args };
  }

  add(piece: JsonObject): void {
    const more = told(piece);
    const text = argumentsIn(this.custom ? more["input"] : more["arguments"]);
    if (text === "") return;
    this.args += text;
    const event = this.custom ? "custom_tool_call_input" : "function_call_arguments";
    this.tell(`response.${event}.delta`, { ...this.place, delta: text });
  }

  close(): void {
    this.status = "completed";
    if (this.custom) this.tell("response.custom_tool_call_input.done", { ...this.place, input: this.args });
    else this.tell("response.function_call_arguments.done", { ...this.place, name: this.name, arguments: this.args });
    this.done();
  }
}

function textIn(json: JsonObject, name: string): string {
  const value = json[name];
  return typeof value === "string" ? value : "";
}

function told(piece: JsonObject): JsonObject {
  const { custom, function: call } = piece;
  return isObject(custom) ? custom : isObject(call) ? call : {};
}
