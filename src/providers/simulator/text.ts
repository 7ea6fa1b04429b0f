import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { type Dice, dice } from "./seed.ts";
import { countTokens, firstTokens, startsWord, tokensOf } from "./tokens.ts";

/**
 * The sentence that stands in for a model's words. It repeats what was said, so that a person sees that the call arrived,
 * and says what it is.
 */
export function sentence(who: "You" | "The tool", said: string, index: number, of: number): string {
  const which = of > 1 ? `; choice ${index + 1} of ${of}` : "";
  return `${who} said: "${said}" (simulated; no model was asked${which})`;
}

/** A text as it is sent, and why it ended. */
export interface Ended {
  readonly text: string;
  readonly tokens: number;
  readonly finish: "stop" | "length";
}

/** Ends a text before the first of the stop texts in it, and after `most` tokens at the latest. */
export function endText(text: string, stops: readonly string[], most: number): Ended {
  let end = text.length;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at >= 0 && at < end) end = at;
  }
  const stopped = text.slice(0, end);
  const kept = firstTokens(stopped, most);
  return { text: kept, tokens: countTokens(kept), finish: kept.length < stopped.length ? "length" : "stop" };
}

/** Most tokens of one piece of a stream, for text without spaces. */
const MAX_PIECE = 12;

/** A text in the pieces of a stream: a few words each, at least 3 to 6 tokens by the seed. A word is cut only if it is long. */
export function* piecesOf(text: string, seed: string): Generator<string> {
  const roll: Dice = dice(`${seed}:pieces`);
  const fewest = () => 3 + Math.floor(roll() * 4);
  let piece = "";
  let count = 0;
  let least = fewest();
  for (const token of tokensOf(text)) {
    if (count >= MAX_PIECE || (count >= least && startsWord(token))) {
      yield piece;
      [piece, count, least] = ["", 0, fewest()];
    }
    piece += token;
    count++;
  }
  if (piece !== "") yield piece;
}

/** One of each row in turn until all are at their end: the choices of a stream come mixed, as from a real provider. */
export function* inTurn<T>(rows: readonly Iterator<T>[]): Generator<T> {
  let open = rows;
  while (open.length > 0) {
    const still: Iterator<T>[] = [];
    for (const row of open) {
      const { done, value } = row.next();
      if (done) continue;
      yield value;
      still.push(row);
    }
    open = still;
  }
}

/** OpenAI's `usage`. The details are there and 0, since SDKs read them. */
export function usageOf(prompt: number, completion: number): JsonObject {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

/** What all chunks of an answer, and a whole one, begin with. */
export interface Frame {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** `simulator`, or `simulator/NAME`: whatever the config calls the model, the answer says that it was none. */
export function modelLabel(name: Json | undefined): string {
  if (typeof name !== "string" || name === "") return "simulator";
  return name.startsWith("simulator") ? name : `simulator/${name}`;
}

/** The list of a request's members that are objects; `undefined` when it is no list, is empty, or has something else. */
export function objects(value: Json | undefined): readonly JsonObject[] | undefined {
  return Array.isArray(value) && value.length > 0 && value.every(isObject) ? value : undefined;
}
