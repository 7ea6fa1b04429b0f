import { fstatSync, write, writeSync } from "node:fs";
import { Socket } from "node:net";

/**
 * Most bytes of one write, whole lines. A pipe takes that many at once or none (PIPE_BUF), so that threads and processes which
 * share one do not cut each other's lines in two; a file takes more, and a write costs as much as making three lines. A write
 * begins when half of it is there, or after `FLUSH_MS`.
 */
const WRITE_BYTES = { pipe: 4096, file: 64 * 1024 } as const;
const FLUSH_MS = 100;
/** Longest time until a reader that is behind is tried again, from 1 ms on. */
const RETRY_MS = 50;
/** At the end of the process: between two looks whether it goes on, and how often nothing moved when it is given up. */
const LOOK_MS = 2;
const LAST_LOOKS = 500;
/** What may wait for a reader that is stuck; later lines are lost, so that a stuck reader is not a full memory. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** Lines that go out in one write. */
interface Batch {
  /** Its first `bytes` bytes are the lines. */
  readonly room: Buffer;
  bytes: number;
  lines: number;
}

/** A batch that is being written. */
interface Writing {
  readonly batch: Batch;
  rest: Buffer;
  /** The system has it, and will call back. */
  away: boolean;
  /** Bytes of the file before. */
  readonly before: number;
}

/**
 * Writes lines to a file descriptor in the background. A pipe or a connection is made non-blocking, as Node's own standard output
 * does, and takes at once what there is room for; a file is written to by the system's threads, for a disk may hang. Whatever happens to its reader - slow, stuck, gone, a full disk -
 * `write` neither waits nor throws: lines are lost and counted. pino's own destination spins for ever at the end of the
 * process when the pipe is closed or the disk is full (`flushSync` of sonic-boom 4.2).
 */
export class LineWriter {
  /** Lines that were lost. */
  lost = 0;
  private readonly fd: number;
  private batches: Batch[] = [];
  private waiting = 0;
  private writing: Writing | undefined = undefined;
  private closed = false;
  /** The last write ended within a line. */
  private torn = false;
  private timer: NodeJS.Timeout | undefined = undefined;

  private retry: NodeJS.Timeout | undefined = undefined;
  private retryMs = 1;
  private readonly kind: Kind;
  private readonly writeBytes: number;

  constructor(fd: number) {
    this.fd = fd;
    this.kind = kindOf(fd);
    this.writeBytes = WRITE_BYTES[this.kind === "file" ? "file" : "pipe"];
  }

  /** @param line Ends with a newline. */
  write(line: string): void {
    const last = this.batches.at(-1);
    // Most are far shorter than the room that is left, and need not be measured.
    const fits = last !== undefined && line.length * 3 <= last.room.length - last.bytes;
    const bytes = fits ? 0 : Buffer.byteLength(line);
    if (this.closed || this.waiting + bytes > WAITING_BYTES) {
      this.lost++;
      return;
    }
    if (last !== undefined && (fits || bytes <= last.room.length - last.bytes)) this.add(last, line);
    else {
      const batch = { room: Buffer.allocUnsafe(Math.max(bytes, this.writeBytes)), bytes: 0, lines: 0 };
      this.batches.push(batch);
      this.add(batch, line);
    }
    this.next();
  }

  private add(batch: Batch, line: string): void {
    const bytes = batch.room.write(line, batch.bytes);
    batch.bytes += bytes;
    batch.lines++;
    this.waiting += bytes;
  }

  /**
   * Writes what waits before it returns, for the end of the process, after what is under way; gives up on a reader that takes
   * nothing for a second.
   */
  flush(): void {
    if (this.writing?.away) this.land(this.writing);
    clearTimeout(this.retry);
    let looks = LAST_LOOKS;
    for (;;) {
      const one = this.writing ?? this.taken();
      if (one === undefined) return;
      while (one.rest.length > 0) {
        try {
          one.rest = one.rest.subarray(writeSync(this.fd, one.rest));
          looks = LAST_LOOKS;
        } catch (error) {
          if (isBusy(error) && looks-- > 0) sleep(LOOK_MS);
          else {
            this.lose(one.batch, error, one.rest);
            break;
          }
        }
      }
      this.writing = undefined;
    }
  }

  /** Nothing calls back while this thread waits, but a file that has grown says as much. What is away is written by the system. */
  private land({ rest, before }: Writing): void {
    const end = before + rest.length;
    const looks = this.kind === "file" ? LAST_LOOKS : RETRY_MS / LOOK_MS;
    for (let i = 0; i < looks && !(this.kind === "file" && sizeOf(this.fd) >= end); i++) sleep(LOOK_MS);
    this.writing = undefined;
  }

  private next(): void {
    if (this.writing !== undefined || this.waiting === 0) return;
    if (this.waiting < this.writeBytes / 2) {
      this.timer ??= setTimeout(() => this.begin(), FLUSH_MS).unref();
      return;
    }
    this.begin();
  }

  private begin(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.writing !== undefined) return;
    do {
      const one = this.taken();
      if (one !== undefined) this.push(one);
    } while (this.writing === undefined && this.waiting >= this.writeBytes / 2);
    this.next();
  }

  private push(one: Writing): void {
    if (this.kind !== "stream") {
      one.away = true;
      write(this.fd, one.rest, 0, one.rest.length, null, (error, written) => {
        // A flush may have waited for it and gone on.
        if (this.writing !== one) return;
        one.away = false;
        this.pushed(one, error, written);
        this.next();
      });
      return;
    }
    let error: unknown = null;
    let written = 0;
    try {
      written = writeSync(this.fd, one.rest);
    } catch (thrown) {
      error = thrown;
    }
    this.pushed(one, error, written);
  }

  private pushed(one: Writing, error: unknown, written: number): void {
    if (!error) one.rest = one.rest.subarray(written);
    if (isBusy(error)) {
      this.retry = setTimeout(() => {
        this.push(one);
        this.next();
      }, this.retryMs);
      this.retryMs = Math.min(RETRY_MS, 2 * this.retryMs);
      return;
    }
    this.retryMs = 1;
    if (!error && one.rest.length > 0) this.push(one);
    else {
      if (error) this.lose(one.batch, error, one.rest);
      this.writing = undefined;
    }
  }

  private taken(): Writing | undefined {
    if (this.batches.length === 0) return undefined;
    const batch = this.take();
    const before = this.kind === "file" ? sizeOf(this.fd) : 0;
    this.writing = { batch, rest: this.bytesOf(batch), away: false, before };
    return this.writing;
  }

  private take(): Batch {
    const batch = this.batches.shift()!;
    this.waiting -= batch.bytes;
    return batch;
  }

  private bytesOf({ room, bytes }: Batch): Buffer {
    const lines = room.subarray(0, bytes);
    const whole = this.torn ? Buffer.concat([NEWLINE, lines]) : lines;
    this.torn = false;
    return whole;
  }

  private lose(batch: Batch, error: unknown, rest: Buffer): void {
    this.lost += batch.lines;
    this.torn = rest.length < batch.bytes;
    if (codeOf(error) !== "EPIPE") return;
    // Nobody will ever read it.
    this.closed = true;
    for (const { lines } of this.batches) this.lost += lines;
    this.batches = [];
    this.waiting = 0;
  }
}

const NEWLINE = Buffer.from("\n");
const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EAGAIN" || code === "EBUSY";
}

/** A stream takes what it has room for and never blocks. */
type Kind = "file" | "stream" | "other";

const streams = new Map<number, Socket>();

function kindOf(fd: number): Kind {
  try {
    const about = fstatSync(fd);
    if (about.isFile()) return "file";
    if (!about.isFIFO() && !about.isSocket()) return "other";
    // What it is opened for is the flag that this sets: nothing is ever written through it.
    if (!streams.has(fd)) streams.set(fd, new Socket({ fd, readable: false, writable: true }).unref());
    return "stream";
  } catch {
    return "other";
  }
}

function sizeOf(fd: number): number {
  try {
    return fstatSync(fd).size;
  } catch {
    return 0;
  }
}

function sleep(ms: number): void {
  Atomics.wait(SLEEPER, 0, 0, ms);
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

let stdout: LineWriter | undefined;

/** The one writer to standard output. What waits when the process exits is written then. */
export function stdoutWriter(): LineWriter {
  if (stdout === undefined) {
    const made = new LineWriter(1);
    process.once("exit", () => made.flush());
    stdout = made;
  }
  return stdout;
}
