/** Thrown, and always the same: what is read or written is not plain, and is left to the general way. Never leaves this folder. */
export const UNSURE = new Error("not plain");

/** How a value is written: the low three bits of its tag. */
export const VARINT = 0;
export const FIXED64 = 1;
export const SIZED = 2;
export const FIXED32 = 5;

const SMALL = 64 * 1024;
const REPLACEMENT = "\ufffd";
const BOM = 0xfeff;

/** Reads protobuf's binary form. Throws `UNSURE` for what is cut, and for numbers that JSON cannot hold exactly. */
export class Reader {
  at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** 0 to 2^53 - 1. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 0x80; scale <= 2 ** 49; scale *= 0x80) {
      byte = bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw UNSURE;
  }

  /** The end of what follows, by its length. */
  sized(end: number): number {
    const length = this.varint();
    if (this.at + length > end) throw UNSURE;
    return this.at + length;
  }

  text(end: number): string {
    const to = this.sized(end);
    const text = this.bytes.toString("utf8", this.at, to);
    // Bytes that are no UTF-8, or would be read in another way.
    if (text.includes(REPLACEMENT) || text.charCodeAt(0) === BOM) throw UNSURE;
    this.at = to;
    return text;
  }

  double(end: number): number {
    if (this.at + 8 > end) throw UNSURE;
    const value = this.bytes.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  float(end: number): number {
    if (this.at + 4 > end) throw UNSURE;
    const value = this.bytes.readFloatLE(this.at);
    this.at += 4;
    return value;
  }
}

/**
 * Writes protobuf's binary form from its end to its start: a length is known once what it measures is there. Fields go in from
 * the last to the first, and of each the value before its tag.
 */
export class Writer {
  /** Where the first byte stands. */
  private at = SMALL;
  private bytes = Buffer.allocUnsafeSlow(SMALL);

  /** Bytes written so far. */
  get length(): number {
    return this.bytes.length - this.at;
  }

  /** Forgets what is there. */
  clear(): void {
    if (this.bytes.length > SMALL * 16) this.bytes = Buffer.allocUnsafeSlow(SMALL);
    this.at = this.bytes.length;
  }

  /** What is there, after `ahead` bytes that are left to the caller. */
  take(ahead: number): Buffer {
    const out = Buffer.allocUnsafe(ahead + this.length);
    this.bytes.copy(out, ahead, this.at);
    return out;
  }

  /** @param value A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    if (value < 0x80) {
      this.room(1);
      this.bytes[--this.at] = value;
      return;
    }
    this.room(8);
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    let to = this.at - size;
    this.at = to;
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.bytes[to++] = (rest % 0x80) | 0x80;
    this.bytes[to] = rest;
  }

  /** The length of what was written since `length` was `since`. */
  sized(since: number): void {
    this.varint(this.length - since);
  }

  text(text: string): void {
    const size = Buffer.byteLength(text);
    this.room(size);
    this.at -= size;
    this.bytes.write(text, this.at, size);
    this.varint(size);
  }

  /** Bytes with their length. */
  raw(bytes: Buffer): void {
    this.room(bytes.length);
    this.at -= bytes.length;
    bytes.copy(this.bytes, this.at);
    this.varint(bytes.length);
  }

  double(value: number): void {
    this.room(8);
    this.at -= 8;
    this.bytes.writeDoubleLE(value, this.at);
  }

  float(value: number): void {
    this.room(4);
    this.at -= 4;
    this.bytes.writeFloatLE(value, this.at);
  }

  private room(size: number): void {
    if (size <= this.at) return;
    const { length } = this;
    const larger = Buffer.allocUnsafeSlow((length + size) * 2);
    this.bytes.copy(larger, larger.length - length, this.at);
    this.at = larger.length - length;
    this.bytes = larger;
  }
}
