import { clip } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/** The simulator refuses a request, in OpenAI's words. Status 400 unless given. */
export class Refusal extends Error {
  readonly param: string | null;
  readonly status: number;
  constructor(message: string, param: string | null, status = 400) {
    super(message);
    this.name = "Refusal";
    this.param = param;
    this.status = status;
  }
}

/** Most units of work in one answer: a token is one, and one more for each of its `top_logprobs`. */
const MAX_WORK = 1_000_000;

/** A whole number in `[least, most]`; `undefined` when absent or null. Throws `Refusal`. */
export function whole(json: JsonObject, key: string, least: number, most: number): number | undefined {
  const value = json[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Refusal(`${key} must be a whole number from ${least} to ${most}.`, key);
}

/** A boolean; false when absent or null. Throws `Refusal`. */
export function flag(json: JsonObject, key: string): boolean {
  const value = json[key] ?? false;
  if (typeof value === "boolean") return value;
  throw new Refusal(`${key} must be true or false.`, key);
}

/** `stop` as a list; empty texts are left out. Throws `Refusal`. */
export function stops(json: JsonObject): readonly string[] {
  const value = json["stop"] ?? [];
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 4 || !list.every((one) => typeof one === "string")) {
    throw new Refusal("stop must be a text or a list of at most 4 texts.", "stop");
  }
  return list.filter((one) => one !== "");
}

/** Whether `stream_options.include_usage` is set. */
export function wantsUsage(json: JsonObject): boolean {
  const { stream_options: options } = json;
  return isObject(options) && options["include_usage"] === true;
}

/**
 * The texts or token lists of `prompt` or `input`: one text, a list of texts, one list of token numbers, or a list of
 * such lists. A token becomes a word such as `#42`. Throws `Refusal`.
 */
export function texts(json: JsonObject, key: string, most: number): readonly string[] {
  const value = json[key];
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.length > 0) {
    const list = isTokens(value) ? [value] : value;
    if (list.length > most) throw new Refusal(`${key} must have at most ${most} entries.`, key);
    return list.map((one) => {
      if (typeof one === "string") return one;
      if (isTokens(one)) return one.map((token) => `#${String(token)}`).join(" ");
      throw new Refusal(`${key} must be text, texts, a list of tokens, or lists of tokens.`, key);
    });
  }
  throw new Refusal(`${key} is required: text, texts, a list of tokens, or lists of tokens.`, key);
}

function isTokens(value: Json): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "number");
}

/** Throws `Refusal` when an answer of so many tokens, each with `top` alternatives, is more than the simulator makes. */
export function checkWork(tokens: number, top: number): void {
  if (tokens * (top + 1) <= MAX_WORK) return;
  throw new Refusal(
    `The answer would have ${tokens} tokens${top > 0 ? `, each with ${top} alternatives` : ""}; ` +
      `the simulator makes at most ${MAX_WORK} in all. Send a shorter text, or ask for less.`,
    null,
  );
}

/** What a message says, in words: its text, and `[image_url]` and the like in place of what is no text. */
export function wordsOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map(partWords).join(" ");
}

function partWords(part: Json): string {
  if (!isObject(part)) return "";
  const { text, type } = part;
  if (typeof text === "string") return text;
  return typeof type === "string" ? `[${clip(type, 40)}]` : "";
}
