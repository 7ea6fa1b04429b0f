import type { JsonObject } from "../../core/json.ts";
import { Logprobs } from "./logprobs.ts";
import { checkWork, flag, Refusal, stops, texts, whole } from "./request.ts";
import { endText, type Frame, inTurn, piecesOf, sentence, usageOf } from "./text.ts";
import { countTokens } from "./tokens.ts";

interface Choice {
  readonly index: number;
  readonly seed: string;
  readonly text: string;
  readonly finish: "stop" | "length";
}

/** All that a completion request is answered with. */
export interface Completion {
  readonly choices: readonly Choice[];
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** `undefined`: no log probabilities are wanted. */
  readonly top: number | undefined;
  readonly echo: boolean;
}

const MAX_PROMPTS = 2048;
const MAX_CHOICES = 2048;

/**
 * Answers a completion request: `n` choices for each prompt. Unlike OpenAI's 16, `max_tokens` has no default, so that the
 * sentence comes whole. Throws `Refusal` for what OpenAI would refuse too.
 *
 * @param hash Of the request; decides ids and how the text is cut up.
 * @param reply What to say; empty: the sentence that repeats the prompt.
 */
export function completion(request: JsonObject, hash: string, reply: string): Completion {
  const prompts = texts(request, "prompt", MAX_PROMPTS);
  const n = whole(request, "n", 1, 128) ?? 1;
  if (prompts.length * n > MAX_CHOICES) {
    throw new Refusal(`The simulator makes at most ${MAX_CHOICES} choices in all; ask for fewer.`, "n");
  }
  const most = whole(request, "max_tokens", 0, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
  const top = whole(request, "logprobs", 0, 5);
  const echo = flag(request, "echo");
  const ends = stops(request);
  const choices: Choice[] = [];
  let promptTokens = 0;
  let completionTokens = 0;
  let echoedTokens = 0;
  for (const [place, prompt] of prompts.entries()) {
    const ownTokens = countTokens(prompt);
    promptTokens += ownTokens;
    for (let i = 0; i < n; i++) {
      const index = place * n + i;
      const ended = endText(reply === "" ? sentence("You", prompt, i, n) : reply, ends, most);
      completionTokens += ended.tokens;
      if (echo) echoedTokens += ownTokens;
      checkWork(completionTokens + echoedTokens, top ?? 0);
      choices.push({ index, seed: `${index}_${hash}`, text: (echo ? prompt : "") + ended.text, finish: ended.finish });
    }
  }
  return { choices, promptTokens, completionTokens, top, echo };
}

/** A whole reply. https://platform.openai.com/docs/api-reference/completions/object */
export function completionReply(made: Completion, { id, created, model }: Frame): JsonObject {
  return {
    id,
    object: "text_completion",
    created,
    model,
    system_fingerprint: "fp_simulator",
    choices: made.choices.map(({ index, seed, text, finish }) => ({
      index,
      text,
      logprobs: made.top === undefined ? null : new Logprobs(seed, made.top).completion(text, made.echo),
      finish_reason: finish,
    })),
    usage: usageOf(made.promptTokens, made.completionTokens),
  };
}

/** The events of a stream, made one at a time as they are asked for. `withUsage` as in `chatEvents`. */
export function* completionEvents(made: Completion, frame: Frame, withUsage: boolean): Generator<JsonObject> {
  const event = (choices: JsonObject[], usage: JsonObject | null): JsonObject => ({
    id: frame.id,
    object: "text_completion",
    created: frame.created,
    model: frame.model,
    system_fingerprint: "fp_simulator",
    choices,
    ...(withUsage ? { usage } : {}),
  });
  for (const choice of inTurn(made.choices.map((one) => parts(made, one)))) yield event([choice], null);
  if (withUsage) yield event([], usageOf(made.promptTokens, made.completionTokens));
}

function* parts({ top, echo }: Completion, { index, seed, text, finish }: Choice): Generator<JsonObject> {
  const logprobs = top === undefined ? undefined : new Logprobs(seed, top);
  for (const piece of piecesOf(text, seed)) {
    yield { index, text: piece, logprobs: logprobs?.completion(piece, echo) ?? null, finish_reason: null };
  }
  yield { index, text: "", logprobs: null, finish_reason: finish };
}
