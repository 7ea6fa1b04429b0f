/** Up to this size a text is read whole, which costs as much as a few short pieces of it. */
const WHOLE_BYTES = 8 * 1024;
/** How much is read at a time of a longer one. */
const WINDOW_BYTES = 1024;

/**
 * Pieces of a text with a letter for each byte, as strings. The names in a long JSON text stand close together, before and after
 * the one value that is long, so that a few windows hold all of them and the long value is never copied.
 */
export class Letters {
  private readonly bytes: Buffer;
  private text: string;
  private from = 0;
  private to: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.to = bytes.length <= WHOLE_BYTES ? bytes.length : 0;
    this.text = bytes.toString("latin1", 0, this.to);
  }

  slice(start: number, end: number): string {
    if (start < this.from || end > this.to) {
      if (end - start > WINDOW_BYTES) return this.bytes.toString("latin1", start, end);
      this.from = start;
      this.to = Math.min(this.bytes.length, start + WINDOW_BYTES);
      this.text = this.bytes.toString("latin1", start, this.to);
    }
    return this.text.slice(start - this.from, end - this.from);
  }
}
