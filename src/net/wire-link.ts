import type { Socket } from "node:net";
import type { Connector } from "./connector.ts";
import { type Flow, type SentExchange, SocketClosed } from "./exchange.ts";
import { writeWith } from "./one-write.ts";
import type { AnswerHead } from "./wire-head.ts";
import { type AnswerListener, AnswerReader } from "./wire-reader.ts";

/** What a connection asks of those that it is one of. */
export interface LinkOwner {
  /** Sends what was not written, over another connection. */
  place(exchange: SentExchange, head: string): void;
  /**
   * The connection may be used again, after a turn of the loop: what comes after its answer is read by then, and not taken for the
   * next one.
   */
  rest(link: Link): void;
  /** It is closed, or will be in a moment. */
  gone(link: Link): void;
}

/** The body of what is sent over a connection of ours, where longer ones, in pieces, do not come. */
export function bodyOf({ request: { body } }: SentExchange): Buffer | undefined {
  return body === null || Array.isArray(body) ? undefined : (body as Buffer);
}

/** One connection: it carries one exchange after the other. */
export class Link implements Flow, AnswerListener {
  old = false;
  /** When it has been idle for too long, in the clock of `performance.now()`. */
  until = 0;
  private readonly owner: LinkOwner;
  private readonly reader = new AnswerReader(this);
  private socket: Socket | undefined = undefined;
  private exchange: SentExchange | undefined = undefined;
  private head = "";
  private written = false;
  private heard = false;
  private ready = false;
  private ended = false;
  private keepMs: number | undefined = undefined;
  private cause: unknown = undefined;
  private readonly shut = Promise.withResolvers<void>();

  constructor(owner: LinkOwner) {
    this.owner = owner;
  }

  get isOpen(): boolean {
    return this.ready && !this.ended && !this.socket!.destroyed;
  }

  /** Connects, and sends what it took. */
  open(connector: Connector): void {
    const socket = connector((error, open) => {
      if (error !== null) this.fail(error);
      else this.begin(open);
    });
    if (socket === undefined) this.shut.resolve();
    else socket.once("close", () => this.onClose());
    this.socket = socket;
  }

  /** The exchange is its own from now on; nothing is sent yet. */
  take(exchange: SentExchange, head: string): void {
    if (this.until > 0) this.socket!.ref();
    this.exchange = exchange;
    this.head = head;
    this.written = false;
    this.heard = false;
  }

  /** Sends what it took, if it still can. */
  write(): void {
    const { exchange, head, socket } = this;
    // It was closed meanwhile, and the exchange has another one.
    if (exchange === undefined || socket === undefined || !this.isOpen) return;
    exchange.onRequestStart(this);
    // Abandoned before it began.
    if (this.exchange !== exchange) return;
    this.written = true;
    this.head = "";
    writeWith(socket, head, bodyOf(exchange));
  }

  /** @param ms As long as it may be idle where the server says nothing of that. */
  restUntil(now: number, ms: number): void {
    // An exchange that was abandoned before it was sent is none to the server.
    if (this.written || this.until === 0) this.until = now + (this.keepMs ?? ms);
    this.old = true;
    this.socket!.unref();
  }

  destroy(): void {
    this.owner.gone(this);
    this.socket?.destroy();
  }

  /** Settles when it is closed. */
  cut(cause: Error): Promise<void> {
    this.fail(cause);
    return this.shut.promise;
  }

  pause(): void {
    // A head is told all the same.
    if (!this.reader.inBody) return;
    this.reader.hold();
    this.socket!.pause();
  }
  resume(): void {
    const { exchange, reader } = this;
    if (!reader.isHeld) return;
    const isWithin = reader.isReading;
    try {
      reader.release();
    } catch (cause) {
      this.fail(cause);
    }
    if (reader.isHeld || (this.exchange !== exchange && !this.isOpen)) return;
    if (!this.ended) this.socket!.resume();
    else if (!isWithin) this.onEnd();
  }
  /** Silent: what called it wants to hear no more. */
  abort(reason: Error): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    if (this.written) {
      this.fail(reason);
      return;
    }
    this.exchange = undefined;
    this.owner.rest(this);
    exchange.onResponseError(undefined, reason);
  }

  onHead({ status, headers, keepMs }: AnswerHead): void {
    this.keepMs = keepMs;
    this.exchange!.onResponseStart(this, status, headers);
  }
  onPart(part: Buffer): void {
    this.exchange!.onResponseData(this, part);
  }
  onWhole(more: boolean): void {
    const exchange = this.exchange!;
    this.exchange = undefined;
    // What is still in our buffers would come before the next question.
    const ends = more || this.keepMs === 0 || this.ended || this.socket!.writableLength > 0;
    if (ends) this.destroy();
    else this.owner.rest(this);
    try {
      exchange.onResponseEnd();
    } catch (cause) {
      exchange.onResponseError(undefined, cause);
    }
  }

  private begin(socket: Socket): void {
    this.ready = true;
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => this.onEnd());
    socket.on("error", (error) => {
      this.cause = error;
    });
    this.write();
  }

  private onData(chunk: Buffer): void {
    const { exchange } = this;
    if (exchange === undefined || !this.written) {
      // Nobody asked.
      this.destroy();
      return;
    }
    if (!this.heard) {
      this.heard = true;
      exchange.onResponseStarted();
    }
    try {
      this.reader.push(chunk);
    } catch (cause) {
      this.fail(cause);
    }
  }

  private onEnd(): void {
    this.ended = true;
    if (this.exchange === undefined || !this.written) this.destroy();
    // Else it ends when what was read is taken.
    else if (!this.reader.isHeld && !this.reader.end()) this.fail(new SocketClosed("the other side closed"));
  }

  private onClose(): void {
    const { exchange, head } = this;
    this.shut.resolve();
    if (exchange !== undefined && this.written && this.ended && this.reader.isHeld) return;
    this.owner.gone(this);
    if (exchange === undefined) return;
    if (this.written) {
      this.fail(this.cause ?? new SocketClosed("the connection closed"));
      return;
    }
    this.exchange = undefined;
    this.owner.place(exchange, head);
  }

  private fail(cause: unknown): void {
    const { exchange } = this;
    this.exchange = undefined;
    // It may be reading.
    this.reader.hold();
    this.destroy();
    exchange?.onResponseError(undefined, cause);
  }
}
