import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Job, Tally } from "./load.ts";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
const FRAME = 9;
const MAX_WINDOW = 2 ** 31 - 1;

/**
 * One request's HEADERS and DATA, made once; the stream's number is put in at each use.
 *
 * @param headers Flat name, value; the pseudo-headers but `:method` and `:scheme` included. Values under 127 bytes.
 */
export function frames(headers: readonly string[], body: Buffer): Buffer {
  const block: Buffer[] = [Buffer.from([0x83, 0x86])];
  // "Literal without indexing", RFC 7541 section 6.2.2: nothing to remember on either side.
  for (const text of headers) {
    if (block.length % 2 === 1) block.push(Buffer.concat([Buffer.from([0]), literal(text)]));
    else block.push(literal(text));
  }
  const packed = Buffer.concat(block);
  return Buffer.concat([frame(HEADERS, END_HEADERS, packed), frame(DATA, END_STREAM, body)]);
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 126) throw new RangeError("a header of 127 bytes or more");
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function frame(type: number, flags: number, payload: Buffer, stream = 0): Buffer {
  const head = Buffer.alloc(FRAME);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** One HTTP/2 connection, by hand: header blocks of answers are not decoded, an answer without a message has failed. */
export class H2Session {
  ready: Promise<unknown>;
  private readonly job: Job;
  private readonly tally: Tally;
  private readonly socket: Socket;
  private readonly dataAt: number;
  /** Streams under way, and whether a message came. */
  private readonly open = new Map<number, boolean>();
  private held: Buffer | undefined = undefined;
  private next = 1;
  private ended = false;

  constructor(job: Job, tally: Tally) {
    this.job = job;
    this.tally = tally;
    this.dataAt = FRAME + job.request.readUIntBE(0, 3);
    this.socket = connect({ host: "127.0.0.1", port: job.port, noDelay: true });
    this.socket.on("data", (chunk) => this.data(chunk));
    this.socket.on("error", (error) => this.ended || this.tally.fail(String(error)));
    this.socket.on("close", () => this.ended || this.tally.fail("the connection was closed"));
    this.ready = once(this.socket, "connect").then(() => this.hello());
  }

  begin(): void {
    for (let i = 0; i < this.job.streams; i++) this.ask();
  }

  close(): void {
    this.ended = true;
    this.socket.destroy();
  }

  /** Windows so large that no answer ever waits for one. */
  private hello(): void {
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(4, 0);
    settings.writeUInt32BE(MAX_WINDOW, 2);
    const window = Buffer.alloc(4);
    window.writeUInt32BE(MAX_WINDOW - 65_535);
    this.socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, settings), frame(8, 0, window)]));
  }

  private ask(): void {
    if (!this.tally.take()) return;
    const bytes = Buffer.from(this.job.request);
    bytes.writeUInt32BE(this.next, 5);
    bytes.writeUInt32BE(this.next, this.dataAt + 5);
    this.open.set(this.next, false);
    this.next += 2;
    this.socket.write(bytes);
  }

  private data(chunk: Buffer): void {
    this.tally.reads++;
    const all = this.held === undefined ? chunk : Buffer.concat([this.held, chunk]);
    let at = 0;
    while (at + FRAME <= all.length) {
      const end = at + FRAME + all.readUIntBE(at, 3);
      if (end > all.length) break;
      this.frame(all[at + 3]!, all[at + 4]!, all.readUInt32BE(at + 5), all.subarray(at + FRAME, end));
      at = end;
    }
    this.held = at < all.length ? all.subarray(at) : undefined;
  }

  private frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === SETTINGS && (flags & ACK) === 0) this.socket.write(frame(SETTINGS, ACK, Buffer.alloc(0)));
    else if (type === PING && (flags & ACK) === 0) this.socket.write(frame(PING, ACK, payload));
    else if (type === GOAWAY || type === RST_STREAM) this.tally.fail(`frame ${type}: ${payload.toString("hex")}`);
    else if (type === DATA && payload.length > 0) this.open.set(stream, true);
    if (type > HEADERS || (flags & END_STREAM) === 0) return;
    if (!this.open.get(stream)) this.tally.fail("an answer without a message");
    this.open.delete(stream);
    this.tally.answered();
    this.ask();
  }
}
