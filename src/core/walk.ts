import { Letters } from "./letters.ts";
import { load, MAX_SEARCHED, skipLoaded } from "./skip.ts";
import { hasMember, isLong, type Member, skipSpace, skipValue } from "./survey.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/** Takes the value that begins at `start`: its end, or less than 0 when it has none; `undefined`: it is to be passed over. */
export type Enter = (key: string, start: number, depthLeft: number) => number | undefined;

/**
 * Walks through one JSON text by its brackets, into the values that somebody wants to see the members of and past all others. Each
 * byte is looked at once. What it passes over is not checked but for its brackets.
 */
export class Walk {
  private readonly bytes: Buffer;
  readonly letters: Letters;
  private readonly fast: boolean;

  /** Until its end no other text may be walked through or surveyed: they share a memory. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.letters = new Letters(bytes);
    this.fast = bytes.length <= MAX_SEARCHED;
    if (this.fast) load(bytes);
  }

  /** Where the text begins, after white space. */
  get start(): number {
    return skipSpace(this.bytes, 0);
  }

  /** Whether nothing stands after `at` but white space. */
  isEnd(at: number): boolean {
    return skipSpace(this.bytes, at) === this.bytes.length;
  }

  skip(at: number, depthLeft: number): number {
    const { bytes } = this;
    return this.fast && isLong(bytes[at]) ? skipLoaded(at, bytes.length, depthLeft) : skipValue(bytes, at, depthLeft);
  }

  /**
   * The end of the object that begins at `at`; its members are added to `members`. Less than 0: it is none, or nobody can be
   * sure how others read it: a key is escaped, or stands there twice.
   */
  object(at: number, depthLeft: number, members: Member[], enter?: Enter): number {
    const { bytes, letters } = this;
    if (bytes[at] !== BRACE || depthLeft === 0) return -1;
    let i = skipSpace(bytes, at + 1);
    if (bytes[i] === 0x7d) return i + 1;
    for (;;) {
      const close = bytes[i] === QUOTE ? this.closeOf(i + 1) : -1;
      if (close < 0) return -1;
      const key = letters.slice(i + 1, close);
      i = skipSpace(bytes, close + 1);
      if (bytes[i] !== 0x3a || hasMember(members, key)) return -1;
      const start = skipSpace(bytes, i + 1);
      const end = enter?.(key, start, depthLeft - 1) ?? this.skip(start, depthLeft - 1);
      if (end < 0) return -1;
      members.push({ key, start, end });
      i = skipSpace(bytes, end);
      if (bytes[i] === 0x7d) return i + 1;
      if (bytes[i] !== 0x2c) return -1;
      i = skipSpace(bytes, i + 1);
    }
  }

  /** Where the key that begins at `at` ends; -1: it does not, or is escaped. */
  private closeOf(at: number): number {
    const { bytes } = this;
    for (let i = at; i < bytes.length; i++) {
      if (bytes[i] === QUOTE) return i;
      if (bytes[i] === BACKSLASH) return -1;
    }
    return -1;
  }

  /** The end of the list that begins at `at`, whose items `each` takes: it gives their ends. Less than 0: it is none. */
  list(at: number, depthLeft: number, each: (start: number, depthLeft: number) => number): number {
    const { bytes } = this;
    if (bytes[at] !== 0x5b || depthLeft === 0) return -1;
    let i = skipSpace(bytes, at + 1);
    if (bytes[i] === 0x5d) return i + 1;
    for (;;) {
      const end = each(i, depthLeft - 1);
      if (end < 0) return -1;
      i = skipSpace(bytes, end);
      if (bytes[i] === 0x5d) return i + 1;
      if (bytes[i] !== 0x2c) return -1;
      i = skipSpace(bytes, i + 1);
    }
  }
}
