import type { Socket } from "node:net";
import type { Timer } from "../core/clock.ts";
import { DRAIN_BYTES, LINGER_MS } from "./body-limit.ts";
import { LaneInbound } from "./lane-inbound.ts";
import type { Lanes } from "./lanes.ts";
import { ONE_WRITE_BYTES, writeWith } from "./one-write.ts";
import { plainHead } from "./plain-head.ts";

/** What may come before its turn is held up to this, bytes. */
const HELD_BYTES = 64 * 1024;

const LANE = Symbol("lane");
type Tied = Socket & { [LANE]: Lane };

// One listener for all connections.
function came(this: Socket, chunk: Buffer): void {
  (this as Tied)[LANE].data(chunk);
}
function flush(lane: Lane): void {
  lane.flush();
}
function drained(this: Socket): void {
  (this as Tied)[LANE].drained();
}
function stalled(this: Socket): void {
  (this as Tied)[LANE].stalled();
}
function gone(this: Socket): void {
  (this as Tied)[LANE].closed();
}
/** An error is followed by close, which is what counts. */
function ignore(): void {}

/** A body of which the rest still comes, though its answer is out. */
interface Lingering {
  /** Bytes that were still to come, and those that came since. */
  readonly left: number;
  bytes: number;
  /** The connection is kept. */
  readonly stays: boolean;
  readonly timer: Timer;
}

/** One connection, one request at a time. */
export class Lane {
  readonly socket: Socket;
  readonly lanes: Lanes;
  readonly remote: string;
  /** Called when the last bytes of an answer are with the system. */
  readonly flushed: (error?: Error | null) => void;
  private current: LaneInbound | undefined = undefined;
  /** What came after the current request. */
  private held: Buffer | undefined = undefined;
  /** Nothing more is read: what came is nobody's. */
  private deaf = false;
  private asked = false;
  private watched = false;
  /** Since when there is no request. */
  private since: number;
  private lingering: Lingering | undefined = undefined;
  /** What was written in this turn and the socket does not have yet. */
  private written = "";

  constructor(socket: Socket, lanes: Lanes) {
    this.socket = socket;
    this.lanes = lanes;
    this.remote = socket.remoteAddress ?? "";
    this.since = lanes.port.host.clock.now();
    // Bytes that did not get there are followed by the close of the connection.
    this.flushed = (error) => error ?? this.current?.flushed();
    (socket as Tied)[LANE] = this;
    socket.on("data", came);
    socket.on("drain", drained);
    socket.on("close", gone);
    socket.on("error", ignore);
    // Who looked at its first bytes has stopped it.
    socket.resume();
  }

  data(chunk: Buffer): void {
    const { current, lanes } = this;
    if (current !== undefined) this.during(current, chunk);
    else if (this.lingering !== undefined) this.skip(this.lingering, chunk);
    else if (!this.deaf) {
      const head = plainHead(chunk, lanes.settings);
      if (head === undefined || chunk.length > head.bytes + head.bodyBytes) {
        this.leave(chunk);
        return;
      }
      this.asked = true;
      const inbound = new LaneInbound(this, head);
      this.current = inbound;
      lanes.port.host.handle(inbound);
      inbound.begin(chunk.length === head.bytes ? undefined : chunk.subarray(head.bytes));
    }
  }

  /** What is written now gets nowhere. */
  get isGone(): boolean {
    return !this.socket.writable;
  }

  /** Writes the end of an answer. */
  last(text: string, body?: Buffer): void {
    const begun = this.written + text;
    this.written = "";
    writeWith(this.socket, begun, body, this.flushed);
  }

  /** Writes what is not the end. What comes in one turn goes out as one. False: full; `drained` follows. */
  write(before: string, bytes: Buffer, after: string): boolean {
    const { socket } = this;
    if (bytes.length > ONE_WRITE_BYTES) return this.writeLong(before, bytes, after);
    if (this.written === "") process.nextTick(flush, this);
    this.written += before + bytes.toString("latin1") + after;
    return socket.writableLength + this.written.length < socket.writableHighWaterMark || this.flush();
  }

  /** Hands what was written in this turn to the socket. False: full. */
  flush(): boolean {
    const { written } = this;
    this.written = "";
    return written === "" || this.isGone || this.socket.write(written, "latin1");
  }

  private writeLong(before: string, bytes: Buffer, after: string): boolean {
    const { socket, written } = this;
    this.written = "";
    socket.cork();
    socket.write(written + before, "latin1");
    socket.write(bytes);
    const hasRoom = socket.write(after, "latin1");
    socket.uncork();
    return hasRoom;
  }

  /** Has the socket, which knows whether a long write moves, be asked while something waits to be written. */
  watch(): void {
    const { socket } = this;
    if (this.watched || socket.writableLength === 0) return;
    this.watched = true;
    socket.on("timeout", stalled);
    socket.setTimeout(this.lanes.port.stallTimeoutMs);
  }

  /** Nothing moved for a while: the caller takes nothing, or there is nothing to take. */
  stalled(): void {
    const { socket } = this;
    if (socket.writableLength > 0) socket.destroy();
    else {
      this.watched = false;
      socket.off("timeout", stalled);
      socket.setTimeout(0);
    }
  }

  drained(): void {
    this.current?.onDrain?.();
  }

  closed(): void {
    const { current, lanes } = this;
    lanes.released(this);
    this.current = undefined;
    if (this.lingering !== undefined) lanes.port.host.clock.cancel(this.lingering.timer);
    current?.over(false);
  }

  /**
   * The answer is out.
   *
   * @param left Bytes of the body still to come.
   * @param stays The connection is kept, by what the answer said.
   */
  done(left: number, stays: boolean): void {
    const { socket, lanes, held } = this;
    this.current = undefined;
    this.held = undefined;
    this.since = lanes.port.host.clock.now();
    if (left > 0) this.linger(left, stays && !lanes.port.draining);
    else if (!stays || lanes.port.draining) this.end();
    else {
      // Too much was held, or who held the body back has not let go of it.
      if (socket.isPaused()) socket.resume();
      if (held !== undefined) this.data(held);
    }
  }

  look(now: number): void {
    if (this.current !== undefined || this.lingering !== undefined) return;
    const { headTimeoutMs, idleTimeoutMs } = this.lanes.settings;
    if (now - this.since > (this.asked ? idleTimeoutMs : headTimeoutMs)) this.end();
  }

  endIdle(): void {
    if (this.current === undefined) this.end();
  }

  /** Bytes came while a request is under way: of its body, or after it. */
  private during(current: LaneInbound, chunk: Buffer): void {
    const rest = current.came(chunk);
    if (rest === undefined || this.deaf) return;
    const { held } = this;
    if (held === undefined && !mayBegin(rest[0]!)) {
      // Within an answer nothing can be told; one that has not begun goes out, and the connection ends with it.
      this.deaf = true;
      current.last();
      return;
    }
    this.held = held === undefined ? rest : Buffer.concat([held, rest]);
    if (this.held.length > HELD_BYTES) this.socket.pause();
  }

  /** Throws away what a caller still sends of a body, within bounds: a connection cut at once could lose it the answer. */
  private linger(left: number, stays: boolean): void {
    const { socket } = this;
    const { clock } = this.lanes.port.host;
    const lingering: Lingering = { left, stays, bytes: 0, timer: clock.after(LINGER_MS, () => socket.destroy()) };
    this.lingering = lingering;
    if (!stays) socket.end();
    socket.resume();
  }

  private skip(lingering: Lingering, chunk: Buffer): void {
    lingering.bytes += chunk.length;
    if (lingering.bytes > DRAIN_BYTES) {
      this.socket.destroy();
      return;
    }
    const rest = lingering.bytes - lingering.left;
    if (rest < 0) return;
    this.lanes.port.host.clock.cancel(lingering.timer);
    this.lingering = undefined;
    if (!lingering.stays) this.end();
    else if (rest > 0) this.data(chunk.subarray(chunk.length - rest));
  }

  /** What comes while the connection ends is no request: it could not be answered. */
  private end(): void {
    this.deaf = true;
    this.socket.destroySoon();
  }

  /** Whatever comes next is not for here. */
  private leave(bytes: Buffer): void {
    const { socket, lanes } = this;
    socket.off("data", came);
    socket.off("drain", drained);
    socket.off("close", gone);
    socket.off("error", ignore);
    if (this.watched) this.stalled();
    lanes.released(this);
    lanes.give(socket, bytes);
  }
}

/** Whether a byte may begin a request: its method, or an empty line before it. */
function mayBegin(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || byte === 0x0d || byte === 0x0a;
}
