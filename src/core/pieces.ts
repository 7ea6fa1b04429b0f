import type { Letters } from "./letters.ts";
import { type Member, skipSpace } from "./survey.ts";

/** Longest value that is joined as a string; a longer one is copied once, as bytes. */
const SHORT_BYTES = 1024;

/** Puts a JSON text together from members of another one and from what is written between them. */
export class Pieces {
  private readonly from: Buffer;
  private readonly letters: Letters;
  /** What was put before `last`: strings with a letter for each byte, and pieces of `from`. */
  private before: (string | Buffer)[] | undefined = undefined;
  private last = "";

  /** @param letters Of `from`. */
  constructor(from: Buffer, letters: Letters) {
    this.from = from;
    this.letters = letters;
  }

  /** @param ascii Goes out as it is. */
  text(ascii: string): this {
    this.last += ascii;
    return this;
  }

  /** The value of the member of this name. @param absent Told where there is none. */
  member(members: readonly Member[], key: string, absent: string): this {
    for (const one of members) if (one.key === key) return this.value(one);
    this.last += absent;
    return this;
  }

  value({ start, end }: Member): this {
    if (end - start <= SHORT_BYTES) this.last += this.letters.slice(start, end);
    else {
      this.before ??= [];
      this.before.push(this.last, this.from.subarray(start, end));
      this.last = "";
    }
    return this;
  }

  /** Whether a value is `null` or an empty list. */
  isNothing({ start, end }: Member): boolean {
    const first = this.from[start];
    if (first === 0x6e) return this.letters.slice(start, end) === "null";
    return first === 0x5b && this.from[skipSpace(this.from, start + 1)] === 0x5d;
  }

  bytes(): Buffer {
    const { before, last } = this;
    if (before === undefined) return Buffer.from(last, "latin1");
    let size = last.length;
    for (const one of before) size += one.length;
    const out = Buffer.allocUnsafe(size);
    let at = 0;
    for (const one of before) at += typeof one === "string" ? out.write(one, at, "latin1") : one.copy(out, at);
    out.write(last, at, "latin1");
    return out;
  }
}
