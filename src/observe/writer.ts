import { fstatSync, write, writeSync } from "node:fs";

/**
 * Most bytes of one write, whole lines. A pipe takes that many at once or none (PIPE_BUF), so that threads and processes which
 * share one do not cut each other's lines in two; a file takes more, and a write costs as much as making three lines. A write
 * begins when half of it is there, or after `FLUSH_MS`.
 */
const WRITE_BYTES = { pipe: 4096, file: 64 * 1024 } as const;
const FLUSH_MS = 100;
/** Until a reader that is behind is tried again, and how often at the end of the process. */
const RETRY_MS = 50;
const LAST_RETRIES = 20;
/** What may wait for a reader that is stuck; later lines are lost, so that a stuck reader is not a full memory. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** Lines that go out in one write. */
interface Batch {
  /** Its first `bytes` bytes are the lines. */
  readonly room: Buffer;
  bytes: number;
  lines: number;
}

/**
 * Writes lines to a file descriptor in the background. Whatever happens to its reader - slow, stuck, gone, a full disk -
 * `write` neither waits nor throws: lines are lost and counted. pino's own destination spins for ever at the end of the
 * process when the pipe is closed or the disk is full (`flushSync` of sonic-boom 4.2).
 */
export class LineWriter {
  /** Lines that were lost. */
  lost = 0;
  private readonly fd: number;
  private batches: Batch[] = [];
  private waiting = 0;
  private writing = false;
  private closed = false;
  /** The last write ended within a line. */
  private torn = false;
  private timer: NodeJS.Timeout | undefined = undefined;

  private readonly writeBytes: number;

  constructor(fd: number) {
    this.fd = fd;
    this.writeBytes = isFile(fd) ? WRITE_BYTES.file : WRITE_BYTES.pipe;
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

  /** Writes what waits before it returns, for the end of the process; gives up on a reader that is stuck for a second. */
  flush(): void {
    let retries = LAST_RETRIES;
    while (this.batches.length > 0) {
      const batch = this.take();
      let rest = this.bytesOf(batch);
      while (rest.length > 0) {
        try {
          rest = rest.subarray(writeSync(this.fd, rest));
        } catch (error) {
          if (isBusy(error) && retries-- > 0) Atomics.wait(SLEEPER, 0, 0, RETRY_MS);
          else {
            this.lose(batch, error, rest);
            break;
          }
        }
      }
    }
  }

  private next(): void {
    if (this.writing || this.waiting === 0) return;
    if (this.waiting < this.writeBytes / 2) {
      this.timer ??= setTimeout(() => this.begin(), FLUSH_MS).unref();
      return;
    }
    this.begin();
  }

  private begin(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.writing || this.batches.length === 0) return;
    const batch = this.take();
    this.writing = true;
    this.push(batch, this.bytesOf(batch));
  }

  private push(batch: Batch, rest: Buffer): void {
    write(this.fd, rest, 0, rest.length, null, (error, written) => {
      const left = error ? rest : rest.subarray(written);
      if (isBusy(error)) setTimeout(() => this.push(batch, left), RETRY_MS);
      else if (!error && left.length > 0) this.push(batch, left);
      else {
        if (error) this.lose(batch, error, left);
        this.writing = false;
        this.next();
      }
    });
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

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
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
