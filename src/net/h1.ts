import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import type { GatewayError } from "../core/errors.ts";
import type { BodyReader, BodySource, FlatHeaders } from "../core/protocol.ts";
import { Arrived } from "./arrived.ts";
import { Collector, DRAIN_BYTES, LINGER_MS } from "./body-limit.ts";
import { hasBody } from "./head.ts";
import type { Port } from "./host.ts";

const NOTHING = Buffer.alloc(0);

const INBOUND = Symbol("inbound");
type Tied = ServerResponse & { [INBOUND]: H1Inbound };

/** How many answers a connection waits for: callers may ask again before they were answered. */
export const WAITING = Symbol("waiting");

// One listener for all exchanges: a closure for each would be garbage for each.
function closed(this: ServerResponse): void {
  (this as Tied)[INBOUND].closed();
}
function drained(this: ServerResponse): void {
  (this as Tied)[INBOUND].onDrain?.();
}
function stalled(this: ServerResponse): void {
  (this as Tied)[INBOUND].stalled();
}
/** A socket's error is followed by its close, which is what counts. */
function ignore(): void {}

/** The exchange that an answer is of. */
export function inboundOf(response: ServerResponse): H1Inbound {
  return (response as Tied)[INBOUND];
}

/** One HTTP/1.1 exchange that Node's own server reads. */
export class H1Inbound extends Arrived {
  readonly http2 = false;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  /** Somebody looks whether what waits to be written moves. */
  private watched = false;

  constructor(request: IncomingMessage, response: ServerResponse, port: Port) {
    // The socket keeps the answer; once it is closed it has no address.
    super(request.method ?? "GET", request.url ?? "/", request.headers, request.socket.remoteAddress ?? "", port);
    this.request = request;
    this.response = response;
    (response as Tied)[INBOUND] = this;
    response.on("close", closed);
    response.on("error", ignore);
  }

  /** The exchange is over, however it ended. */
  closed(): void {
    const { host, draining } = this.port;
    const { socket } = this.request;
    (socket as { [WAITING]?: number })[WAITING]!--;
    host.open.delete(this);
    if (!this.response.writableFinished) this.onGone?.();
    this.body?.release();
    host.finished(this);
    // Its answer may have begun before the end was known, and promised to keep the connection.
    if (draining) socket.destroySoon();
  }

  look(now: number): void {
    this.hurry(now);
    if (this.watched || this.response.writableLength === 0) return;
    this.watched = true;
    // The socket knows whether a long write moves; it is asked only when something waits to be written.
    this.response.on("timeout", stalled);
    this.request.socket.setTimeout(this.port.stallTimeoutMs);
  }

  /**
   * Bytes came on the connection that nobody can read. Within the body they are refused in the endpoint's words; after it they
   * are nobody's request, and the answer goes out. The connection ends with it. False: the body is read as it comes.
   */
  spoil(error: GatewayError): boolean {
    const { complete } = this.request;
    if (this.body === undefined && !complete) return false;
    this.always.push("connection", "close");
    // A whole one may still be on its way through the stream.
    if (!complete) this.body?.spoil(error);
    return true;
  }

  /** Nothing moved on the socket for a while: the caller takes nothing, or there is nothing to take. */
  stalled(): void {
    const { socket } = this.request;
    if (this.response.writableLength > 0) socket.destroy();
    else {
      this.watched = false;
      this.response.off("timeout", stalled);
      socket.setTimeout(0);
    }
  }

  get secure(): boolean {
    return "encrypted" in this.request.socket;
  }

  collect(limitBytes: number, done: (error: GatewayError | undefined, bytes: Buffer) => void): void {
    const { request } = this;
    this.body = new Collector(request.headers["content-length"], limitBytes, this.port, this, done);
    this.body.listen(request);
    this.invite();
  }

  /** A caller that waits until it is asked for its body is asked, unless it was refused by what the head says. */
  private invite(): void {
    const { request, response } = this;
    if (request.headers.expect === undefined || request.httpVersionMinor === 0 || response.headersSent) return;
    response.writeContinue();
  }

  read(on: BodyReader): BodySource {
    const { request } = this;
    this.invite();
    request.on("data", (chunk: Buffer) => on.onChunk(chunk));
    request.on("end", () => on.onEnd());
    request.on("close", () => {
      if (!request.complete) on.onBreak();
    });
    return request;
  }

  send(status: number, headers: FlatHeaders, body: Buffer | string): void {
    const { response } = this;
    if (this.status !== 0 || response.destroyed) return;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    const sized = hasBody(status) ? ["content-length", String(bytes.length)] : [];
    this.begin(status, [...headers, ...sized]);
    this.end(this.method === "HEAD" ? NOTHING : bytes);
  }

  open(status: number, headers: FlatHeaders): void {
    const { response } = this;
    if (this.status !== 0 || response.destroyed) return;
    this.begin(status, headers);
    response.on("drain", drained);
  }

  private begin(status: number, headers: FlatHeaders): void {
    const { request, response } = this;
    response.writeHead(status, [...headers, ...this.always]);
    // Not before: a header that cannot be sent throws, and then nothing was.
    this.status = status;
    // A head that goes out with a buffer is put before all that waits, and that may be what asks for the body.
    if (request.headers.expect !== undefined) response.flushHeaders();
  }

  write(chunk: Buffer | string): boolean {
    const { response } = this;
    return response.destroyed || response.writableEnded ? true : response.write(chunk);
  }

  close(): void {
    if (!this.response.destroyed) this.end(NOTHING);
  }

  reset(): void {
    this.request.socket.destroy();
  }

  /**
   * Ends the answer. When the caller still sends its body, that is thrown away for a while: closing at once would reset the
   * connection, and a caller that sends all of its body before it reads would lose the answer.
   */
  private end(last: Buffer): void {
    const { request, response } = this;
    const { complete, headers } = request;
    if (last.length === 0) response.end();
    else response.end(last);
    if (complete || (headers["transfer-encoding"] === undefined && !(Number(headers["content-length"]) > 0))) return;
    // A body that came with its head is told as complete only after it.
    setImmediate(linger, request, this.port.host.clock);
  }
}

/** Throws away what a caller still sends, within bounds. */
function linger(request: IncomingMessage, clock: Clock): void {
  // Nor does one come whose caller has gone, and whose close was told before.
  if (request.complete || request.destroyed) return;
  const cut = () => request.socket.destroy();
  const timer = clock.after(LINGER_MS, cut);
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES) cut();
  });
  // A body that nobody reads would be read without bounds by the server itself.
  request.read(0);
  request.on("close", () => clock.cancel(timer));
}
