import type { JsonObject } from "../../core/json.ts";
import { type Dice, dice } from "./seed.ts";
import { tokensOf } from "./tokens.ts";

/** A token with a made-up log probability, and made-up alternatives such as `~1`, each less likely than the one before. */
interface Likely {
  readonly token: string;
  readonly logprob: number;
}

/**
 * Log probabilities of one choice's text, token by token, in the order of the text; the same however it is cut up.
 * They mean nothing but are well formed: below 0, and the token itself leads its alternatives.
 */
export class Logprobs {
  private readonly roll: Dice;
  private readonly top: number;
  /** Characters before the next token; what completions call `text_offset`. */
  private offset = 0;

  /** @param top How many tokens to list at each place, the one taken included; 0: none. */
  constructor(seed: string, top: number) {
    this.roll = dice(`${seed}:logprobs`);
    this.top = top;
  }

  /** `logprobs` of a chat choice, or of a chunk of one, for the text's next piece. */
  chat(piece: string): JsonObject {
    const content = [...tokensOf(piece)].map((token) => {
      const top = this.next(token);
      return { ...entry(top[0]!), top_logprobs: this.top > 0 ? top.map(entry) : [] };
    });
    return { content, refusal: null };
  }

  /** `logprobs` of a completion, or of a chunk of one. The first token of an echoed prompt has none, as at OpenAI. */
  completion(piece: string, echoed: boolean): JsonObject {
    const tokens = [...tokensOf(piece)];
    const tops = tokens.map((token) => this.next(token));
    const offsets = tokens.map((token) => {
      this.offset += token.length;
      return this.offset - token.length;
    });
    const blank = echoed && offsets[0] === 0 ? 0 : -1;
    return {
      tokens,
      token_logprobs: tops.map((top, index) => (index === blank ? null : top[0]!.logprob)),
      top_logprobs:
        this.top === 0
          ? null
          : tops.map((top, index) =>
              index === blank ? null : Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
            ),
      text_offset: offsets,
    };
  }

  private next(token: string): readonly Likely[] {
    let logprob = -this.roll() / 2;
    const likely: Likely[] = [{ token, logprob: rounded(logprob) }];
    for (let i = 1; i < this.top; i++) {
      logprob -= 0.5 + this.roll();
      likely.push({ token: `~${i}`, logprob: rounded(logprob) });
    }
    return likely;
  }
}

function entry({ token, logprob }: Likely) {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

const rounded = (value: number) => Math.round(value * 10_000) / 10_000;
