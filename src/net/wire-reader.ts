import { type AnswerHead, AnswerMalformed, assertPlain, readFields, readHead } from "./wire-head.ts";

/** What a reader tells. It may be told to hold, or be let go of, from within. */
export interface AnswerListener {
  /** The answer's head; those of informational answers are passed over. */
  onHead(head: AnswerHead): void;
  onPart(part: Buffer): void;
  /** The answer is whole. `more`: bytes followed that nobody asked for. */
  onWhole(more: boolean): void;
}

/** Most bytes of the head of a provider's answer; twice what servers send at most by default. Of its trailers, too. */
export const MAX_HEAD_BYTES = 32 * 1024;
/** Most bytes of what may follow a chunk's size in its line. */
const MAX_EXTENSION_BYTES = 4 * 1024;
/** A head is looked for in pieces of this size: more often than not all of it lies in the first. */
const HEAD_PIECE_BYTES = 2 * 1024;
/** Below 2^52. */
const MAX_SIZE_DIGITS = 13;

const END = "\r\n\r\n";
const EXTENSION =
  /^(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)+\r$/;
const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const EMPTY = Buffer.alloc(0);

const HEAD = 0;
const SIZED = 1;
const UNTIL_CLOSE = 2;
const SIZE = 3;
const EXTENDED = 4;
const SIZE_LF = 5;
const CHUNK = 6;
const CHUNK_CR = 7;
const CHUNK_LF = 8;
const TRAILERS = 9;
const WHOLE = 10;

/**
 * Reads the answers of one connection, one after the other, as their bytes come, cut anywhere. What it does not know it throws as
 * `AnswerMalformed`, and is of no more use.
 */
export class AnswerReader {
  private readonly listener: AnswerListener;
  private state = HEAD;
  /** Bytes of the body, or of its chunk, still to come. */
  private left = 0;
  private digits = 0;
  /** Of a head, an extension or trailers, what came so far. */
  private kept = "";
  private held = false;
  private reading = false;
  /** What was read and waits while held. */
  private rest: Buffer | undefined = undefined;

  constructor(listener: AnswerListener) {
    this.listener = listener;
  }

  /** Whether the head of an answer was told, and not its end. */
  get inBody(): boolean {
    return this.state !== HEAD;
  }

  /** Nothing more is told until `release`. */
  hold(): void {
    this.held = true;
  }
  release(): void {
    this.held = false;
    const { rest } = this;
    if (rest === undefined || this.reading) return;
    this.rest = undefined;
    this.push(rest);
  }

  get isHeld(): boolean {
    return this.held;
  }
  /** Asked from within what is told. */
  get isReading(): boolean {
    return this.reading;
  }

  /** The connection's end. True: it was the answer's end, too, which was told. Not while it is held. */
  end(): boolean {
    if (this.state !== UNTIL_CLOSE) return false;
    this.finish(false);
    return true;
  }

  push(chunk: Buffer): void {
    if (this.held) {
      this.rest = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
      return;
    }
    this.reading = true;
    try {
      this.read(chunk);
    } finally {
      this.reading = false;
    }
  }

  private read(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      if (this.held) {
        this.rest = at < chunk.length ? chunk.subarray(at) : EMPTY;
        return;
      }
      if (this.state === WHOLE) {
        this.finish(at < chunk.length);
        return;
      }
      if (at === chunk.length) return;
      switch (this.state) {
        case HEAD:
          at = this.head(chunk, at);
          break;
        case SIZED:
        case CHUNK:
          at = this.part(chunk, at);
          break;
        case UNTIL_CLOSE:
          this.listener.onPart(at === 0 ? chunk : chunk.subarray(at));
          at = chunk.length;
          break;
        case EXTENDED:
          at = this.extension(chunk, at);
          break;
        case TRAILERS:
          at = this.trailers(chunk, at);
          break;
        default:
          this.frame(chunk[at++]!);
      }
    }
  }

  private finish(more: boolean): void {
    this.state = HEAD;
    this.listener.onWhole(more);
  }

  private head(chunk: Buffer, from: number): number {
    const stop = Math.min(chunk.length, from + HEAD_PIECE_BYTES);
    const before = this.kept.length;
    const piece = chunk.toString("latin1", from, stop);
    const text = before === 0 ? piece : this.kept + piece;
    const end = text.indexOf(END, Math.max(0, before - END.length));
    if (end > MAX_HEAD_BYTES || (end < 0 && text.length > MAX_HEAD_BYTES)) {
      throw new AnswerMalformed(`a head of more than ${MAX_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      // What will never be a head is not waited for.
      if (!"HTTP/1.".startsWith(text.slice(0, 7))) throw new AnswerMalformed("its status line");
      assertLines(text, before);
      this.kept = text;
      return stop;
    }
    this.kept = "";
    const head = readHead(text, end);
    if (head.status === 101) throw new AnswerMalformed("a switch of protocols that nobody asked for");
    if (head.status >= 200) this.begin(head);
    return from + end + END.length - before;
  }

  private begin(head: AnswerHead): void {
    const { body } = head;
    this.left = 0;
    this.digits = 0;
    if (body === "chunked") this.state = SIZE;
    else if (body === "close") this.state = UNTIL_CLOSE;
    else {
      this.left = body;
      this.state = body === 0 ? WHOLE : SIZED;
    }
    this.listener.onHead(head);
  }

  private part(chunk: Buffer, from: number): number {
    const stop = Math.min(chunk.length, from + this.left);
    this.left -= stop - from;
    if (this.left === 0) this.state = this.state === SIZED ? WHOLE : CHUNK_CR;
    this.listener.onPart(from === 0 && stop === chunk.length ? chunk : chunk.subarray(from, stop));
    return stop;
  }

  /** One byte of what lies between chunks. */
  private frame(byte: number): void {
    if (this.state === SIZE) {
      const digit = hexOf(byte);
      if (digit >= 0) {
        if (++this.digits > MAX_SIZE_DIGITS) throw new AnswerMalformed("a chunk's size");
        this.left = this.left * 16 + digit;
        return;
      }
      if (this.digits === 0 || (byte !== CR && byte !== SEMICOLON)) throw new AnswerMalformed("a chunk's size");
      this.digits = 0;
      if (byte === CR) this.state = SIZE_LF;
      else {
        this.state = EXTENDED;
        this.kept = ";";
      }
      return;
    }
    if (byte !== (this.state === CHUNK_CR ? CR : LF)) throw new AnswerMalformed("a chunk's end");
    if (this.state === CHUNK_CR) this.state = CHUNK_LF;
    else if (this.state === CHUNK_LF) this.state = SIZE;
    else this.state = this.left === 0 ? TRAILERS : CHUNK;
  }

  private extension(chunk: Buffer, from: number): number {
    const lf = chunk.indexOf(LF, from);
    const stop = lf < 0 ? chunk.length : lf;
    if (this.kept.length + stop - from > MAX_EXTENSION_BYTES) throw new AnswerMalformed("a long chunk extension");
    this.kept += chunk.toString("latin1", from, stop);
    if (lf < 0) return stop;
    if (!EXTENSION.test(this.kept)) throw new AnswerMalformed("a chunk extension");
    this.kept = "";
    this.state = this.left === 0 ? TRAILERS : CHUNK;
    return stop + 1;
  }

  /** They are checked, and nobody is told of them. */
  private trailers(chunk: Buffer, from: number): number {
    const before = this.kept.length;
    const text = this.kept + chunk.toString("latin1", from, Math.min(chunk.length, from + HEAD_PIECE_BYTES));
    const none = text.startsWith("\r\n");
    const end = none ? 0 : text.indexOf(END, Math.max(0, before - END.length));
    if (end < 0) {
      if (text.length > MAX_HEAD_BYTES) throw new AnswerMalformed(`trailers of more than ${MAX_HEAD_BYTES} bytes`);
      assertLines(text, before);
      this.kept = text;
      return from + text.length - before;
    }
    this.kept = "";
    if (!none) checkTrailers(text.slice(0, end + 2));
    this.state = WHOLE;
    return from + end + (none ? 2 : END.length) - before;
  }
}

/** Of what is not whole: lines that end in LF alone never end as they should, and would be waited for. */
function assertLines(text: string, from: number): void {
  for (let lf = text.indexOf("\n", from); lf >= 0; lf = text.indexOf("\n", lf + 1)) {
    if (text.charCodeAt(lf - 1) !== CR) throw new AnswerMalformed("a line that ends in LF alone");
  }
}

function checkTrailers(text: string): void {
  assertPlain(text);
  const fields = readFields(text, 0, text.length);
  if (fields["content-length"] !== undefined || fields["transfer-encoding"] !== undefined) {
    throw new AnswerMalformed("a trailer that says how long the answer is");
  }
}

/** -1: it is no digit. */
function hexOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
