import type { Controls, Receiver, ReplyHeaders } from "../core/provider.ts";
import { type Decoding, decoding } from "./decode.ts";

/** Holds of what carries an exchange, until its end; of undici's controller what is used. */
export interface Flow {
  /** Whether the connection had been idle; absent: it is not known. */
  readonly old?: boolean;
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** What is sent. */
export interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: string[];
  /** A list is written piece by piece, as the provider takes it. */
  readonly body: Buffer | readonly Buffer[] | null;
}

/** What an exchange asks of the origin that it is sent to. */
export interface Sender {
  /** Counts the connections that were begun where a `Flow` does not know how old its own is. */
  readonly connects: number;
  /** The exchange holds its place no more; once. */
  released(): void;
  /** Sends the request once more, over a connection of its own. */
  again(exchange: SentExchange): void;
}

/** A connection was closed, and the system says of no error. */
export class SocketClosed extends Error {
  readonly code = "SOCKET_CLOSED";
  constructor(message: string) {
    super(message);
    this.name = "SocketClosed";
  }
}

/** Put on an error when the time for connecting was over. */
export const CONNECT_TIMEOUT = Symbol("connect timeout");

/**
 * How soon after a request was sent a connection must close for that to be the end of its idle time: both crossed on the wire.
 * Later, the server may well have worked on the request.
 */
const CROSSED_MS = 1_000;
/** Codes of a connection that closed: ours, undici's, the system's. */
const CLOSED: ReadonlySet<string> = new Set(["SOCKET_CLOSED", "UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/**
 * One exchange: what is pushed by our own connections, and by undici's, in our words. After `abort` it is silent.
 *
 * A request over a connection that had been idle is sent once more, over a new one, when that connection closes within a second
 * and before one byte came back: servers close idle connections whenever they like, and the request was not read. It cannot
 * be proven that it was not, and in the worst case a model answers twice; the answer that nobody got is lost in any case, and the
 * next target would be asked the same.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1
 */
export class SentExchange implements Controls {
  readonly request: Request;
  private readonly receiver: Receiver;
  private readonly sender: Sender;
  private controller: Flow | undefined = undefined;
  private silent = false;
  private held = false;
  private heard = false;
  private framed = false;
  private holdsPlace = true;
  private decoder: Decoding | undefined = undefined;
  private connects: number;
  private sentAt = 0;

  constructor(receiver: Receiver, sender: Sender, request: Request) {
    this.request = request;
    this.receiver = receiver;
    this.sender = sender;
    this.connects = sender.connects;
  }

  onRequestStart(controller: Flow): void {
    this.controller = controller;
    if (this.silent) controller.abort(new Error("abandoned"));
    // Or nobody connected since this was handed in: the connection is an old one.
    else if (controller.old ?? this.sender.connects === this.connects) this.sentAt = performance.now();
  }
  onResponseStarted(): void {
    this.heard = true;
  }
  onResponseStart(controller: Flow, status: number, headers: ReplyHeaders): void {
    if (status < 200 || this.silent) return;
    this.framed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
    if (headers["content-encoding"] !== undefined) this.decoder = decoding(headers["content-encoding"], this.receiver);
    this.receiver.onHead(status, headers);
    if (this.held) controller.pause();
  }
  onResponseData(_: Flow, chunk: Buffer): void {
    if (this.silent) return;
    if (this.decoder) this.decoder.push(chunk);
    else this.receiver.onData(chunk);
  }
  onResponseEnd(): void {
    // It carries others from now on.
    this.controller = undefined;
    this.release();
    if (this.silent) return;
    this.silent = true;
    if (this.decoder) this.decoder.end(this.framed);
    else this.receiver.onEnd(this.framed);
  }
  onResponseError(_: unknown, cause: unknown): void {
    if (!this.silent && this.crossed(cause)) {
      this.controller = undefined;
      this.sentAt = 0;
      this.connects = Number.NaN;
      this.sender.again(this);
      return;
    }
    const before = this.controller === undefined && !this.heard;
    this.controller = undefined;
    this.release();
    if (this.silent) return;
    this.silent = true;
    this.decoder?.stop();
    const isTimeout = typeof cause === "object" && cause !== null && CONNECT_TIMEOUT in cause;
    this.receiver.onBreak(isTimeout ? "connect_timeout" : before ? "connect" : "broken", cause);
  }

  pause(): void {
    this.held = true;
    if (this.decoder) this.decoder.pause();
    if (!this.silent) this.controller?.pause();
  }
  resume(): void {
    this.held = false;
    if (this.decoder) this.decoder.resume();
    if (!this.silent) this.controller?.resume();
  }
  abort(): void {
    this.silent = true;
    this.decoder?.stop();
    this.controller?.abort(new Error("abandoned"));
  }

  private release(): void {
    if (!this.holdsPlace) return;
    this.holdsPlace = false;
    this.sender.released();
  }

  private crossed(cause: unknown): boolean {
    if (this.heard || this.sentAt === 0 || performance.now() - this.sentAt > CROSSED_MS) return false;
    const { code } = cause as NodeJS.ErrnoException;
    return CLOSED.has(String(code));
  }
}
