import type { GatewayError } from "../core/errors.ts";
import type { BodyReader, BodySource, FlatHeaders } from "../core/protocol.ts";
import { Arrived } from "./arrived.ts";
import { Collector, requestLate, type Taker } from "./body-limit.ts";
import { hasBody, plainLines, unframedLines } from "./head.ts";
import type { Lane } from "./lane.ts";
import type { PlainHead } from "./plain-head.ts";

const LAST_CHUNK = "0\r\n\r\n";

// One listener for all exchanges: a closure for each would be garbage for each.
function deliver(inbound: LaneInbound): void {
  inbound.deliver();
}

/** One HTTP/1.1 exchange whose head was plain. */
export class LaneInbound extends Arrived implements BodySource {
  readonly http2 = false;
  private readonly lane: Lane;
  /** Bytes of the body still to come. */
  private left: number;
  private taker: Taker | undefined = undefined;
  /** What came and was not taken yet. */
  private waiting: Buffer[] | undefined = undefined;
  private isHandled = false;
  private isPaused = false;
  /** The taker was told of the end. */
  private isTaken = false;
  /** The head of a stream, until its first chunk. */
  private head: string | undefined = undefined;
  private hasEnded = false;
  /** The connection is the next one's. */
  private isOver = false;
  private stays = true;

  constructor(lane: Lane, head: PlainHead) {
    super(head.method, head.target, head.headers, lane.remote, lane.lanes.port);
    this.lane = lane;
    this.left = head.bodyBytes;
  }

  get secure(): boolean {
    return "encrypted" in this.lane.socket;
  }

  /** It was handed on. @param bytes What came of the body together with the head. */
  begin(bytes: Buffer | undefined): void {
    this.isHandled = true;
    if (bytes !== undefined) this.came(bytes);
    else if (this.left === 0) this.deliver();
  }

  /** Takes what is of the body, and gives back what is not. */
  came(chunk: Buffer): Buffer | undefined {
    const { left } = this;
    if (left === 0) return chunk;
    const ours = chunk.length > left ? chunk.subarray(0, left) : chunk;
    this.left -= ours.length;
    if (this.taker !== undefined && this.waiting === undefined && !this.isPaused) {
      this.taker.chunk(ours);
      if (this.left === 0) this.deliver();
    } else if (!this.hasEnded) {
      this.waiting ??= [];
      this.waiting.push(ours);
      // A taker that is not paused gets it within this turn, and nobody would resume the connection after that.
      if (this.left > 0 && (this.taker === undefined || this.isPaused)) this.lane.socket.pause();
    }
    return chunk.length > left ? chunk.subarray(left) : undefined;
  }

  /** Tells the taker what has come. */
  deliver(): void {
    const { taker } = this;
    if (taker === undefined || this.isTaken) return;
    while (this.waiting !== undefined && !this.isPaused) {
      const next = this.waiting.shift();
      if (next === undefined) this.waiting = undefined;
      else taker.chunk(next);
    }
    if (this.left > 0 || this.waiting !== undefined || this.isPaused || this.isTaken) return;
    this.isTaken = true;
    taker.end();
  }

  collect(limitBytes: number, done: (error: GatewayError | undefined, bytes: Buffer) => void): void {
    const length = this.headers["content-length"] as string | undefined;
    this.body = new Collector(length, limitBytes, this.port, this, done);
    this.feed(this.body);
  }

  read(on: BodyReader): BodySource {
    this.feed({ chunk: (bytes) => on.onChunk(bytes), end: () => on.onEnd(), gone: () => on.onBreak() });
    return this;
  }

  pause(): void {
    if (this.isOver) return;
    this.isPaused = true;
    this.lane.socket.pause();
  }

  resume(): void {
    if (!this.isPaused || this.isOver) return;
    this.isPaused = false;
    this.lane.socket.resume();
    process.nextTick(deliver, this);
  }

  send(status: number, headers: FlatHeaders, body: Buffer | string): void {
    if (this.status !== 0 || this.lane.isGone) return;
    // A text as long as its bytes is ASCII, and goes out as it is.
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const head = this.begun(status, headers, hasBody(status) ? `content-length: ${length}\r\n` : "");
    this.hasEnded = true;
    if (length === 0 || !hasBody(status)) this.lane.last(head);
    else if (typeof body === "string" && length === body.length) this.lane.last(head + body);
    else this.lane.last(head, typeof body === "string" ? Buffer.from(body) : body);
  }

  open(status: number, headers: FlatHeaders): void {
    if (this.status !== 0 || this.lane.isGone) return;
    // Its end is its head's: not even the last chunk may follow.
    if (!hasBody(status)) {
      this.send(status, headers, "");
      return;
    }
    this.head = this.begun(status, headers, "transfer-encoding: chunked\r\n");
  }

  write(chunk: Buffer | string): boolean {
    const { lane, head } = this;
    // An empty chunk would be the end; and without a head, which may have been one that cannot be sent, there is no answer.
    if (lane.isGone || this.hasEnded || this.status === 0 || chunk.length === 0) return true;
    this.head = undefined;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    return lane.write(`${head ?? ""}${bytes.length.toString(16)}\r\n`, bytes, "\r\n");
  }

  close(): void {
    if (this.lane.isGone || this.hasEnded) return;
    if (this.status === 0) {
      this.reset();
      return;
    }
    this.hasEnded = true;
    this.lane.last((this.head ?? "") + LAST_CHUNK);
  }

  reset(): void {
    if (!this.isOver) this.lane.socket.destroy();
  }

  /** Bytes came after it that are nobody's request: the connection ends, with its answer unless that has begun. */
  last(): void {
    if (this.status !== 0) this.lane.socket.destroy();
    else this.stays = false;
  }

  /** The last bytes of the answer, if that has ended, are with the system. */
  flushed(): void {
    if (this.hasEnded) this.over(true);
  }

  /** The exchange is over. @param isWhole Its answer is out; else the connection is gone. */
  over(isWhole: boolean): void {
    const { host } = this.port;
    this.isOver = true;
    host.open.delete(this);
    if (!isWhole) {
      this.untaken();
      this.onGone?.();
    }
    this.body?.release();
    host.finished(this);
    if (!isWhole) return;
    // What is said of it was said: that an answer did not wait for all of the body is no failure of the call.
    this.untaken();
    this.lane.done(this.left, this.stays);
  }

  look(now: number): void {
    this.hurry(now);
    // Nobody else gives up on one that is taken as it comes, or not at all.
    if (this.left > 0 && this.body === undefined && now - this.started > this.port.requestTimeoutMs) {
      this.failed(requestLate(this.port.requestTimeoutMs));
    }
    this.lane.watch();
  }

  /** What begins the answer. Throws when a header cannot be sent; nothing was, then. */
  private begun(status: number, headers: FlatHeaders, framing: string): string {
    const { always, lane, port } = this;
    let text = plainLines(status, headers, always);
    if (text === undefined) {
      const all = [...headers, ...always];
      text = unframedLines(status, all);
      if (ends(all)) this.stays = false;
    }
    if (port.draining) this.stays = false;
    this.status = status;
    return text + framing + lane.lanes.tail(this.stays);
  }

  /** Tells a taker that did not get it all that nothing more comes. */
  private untaken(): void {
    if (this.isTaken) return;
    this.isTaken = true;
    this.taker?.gone();
  }

  private feed(taker: Taker): void {
    if (this.isOver) {
      taker.gone();
      return;
    }
    this.taker = taker;
    // Whoever asks for it while the request is handed on gets it when that is done; later, not before it has gone on.
    if (!this.isHandled) return;
    this.lane.socket.resume();
    process.nextTick(deliver, this);
  }
}

function ends(headers: FlatHeaders): boolean {
  return headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === "connection" && headers[at + 1] === "close");
}
