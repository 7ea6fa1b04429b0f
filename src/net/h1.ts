import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import type { GatewayError } from "../core/errors.ts";
import type { BodyReader, BodySource, FlatHeaders } from "../core/protocol.ts";
import { Arrived } from "./arrived.ts";
import { Collector, DRAIN_BYTES, LINGER_MS } from "./body-limit.ts";
import { writeHead } from "./head.ts";
import type { Port } from "./host.ts";
import type { Incoming } from "./incoming.ts";

const NOTHING = Buffer.alloc(0);

/** Largest answer that goes out as one string with its head; copying more costs more than a second buffer. */
const ONE_WRITE_BYTES = 8 * 1024;

const INBOUND = Symbol("inbound");
type Tied = (ServerResponse | Socket) & { [INBOUND]: H1Inbound };

/** How many answers a connection waits for: callers may ask again before they were answered. */
export const WAITING = Symbol("waiting");

// One listener for all exchanges: a closure for each would be garbage for each.
function closed(this: ServerResponse): void {
  (this as Tied)[INBOUND].closed();
}
function drained(this: ServerResponse | Socket): void {
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
  private readonly request: Incoming;
  private readonly response: ServerResponse;
  /** The connection, while chunks of a stream are written to it past the answer. */
  private direct: Socket | undefined = undefined;
  private begun = false;

  constructor(request: Incoming, response: ServerResponse, port: Port) {
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
    this.direct?.off("drain", drained);
    this.direct = undefined;
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
    if (this.body === undefined && !this.request.complete) return false;
    this.always.push("connection", "close");
    this.body?.spoil(error);
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
    // Who had to wait for whom to ask has some of it in the stream.
    if (!request.feed(this.body)) this.body.listen(request);
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
    // A text as long as its bytes is ASCII, and goes out as it is.
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const last = typeof body === "string" && length !== body.length ? Buffer.from(body) : body;
    writeHead(response, status, headers, this.always, length);
    // Not before: a header that cannot be sent throws, and then nothing was.
    this.status = status;
    this.end(this.method === "HEAD" ? NOTHING : last);
  }

  open(status: number, headers: FlatHeaders): void {
    const { response } = this;
    if (this.status !== 0 || response.destroyed) return;
    writeHead(response, status, headers, this.always, undefined);
    this.status = status;
    response.on("drain", drained);
    const { socket } = response;
    // An answer that waits for the one before has no connection yet; one to HTTP/1.0 is not sent in chunks.
    if (socket === null || !response.chunkedEncoding) return;
    this.direct = socket;
    (socket as Tied)[INBOUND] = this;
    socket.on("drain", drained);
  }

  write(chunk: Buffer | string): boolean {
    const { response, direct } = this;
    if (response.destroyed || response.writableEnded) return true;
    // The head goes out with the first chunk. An empty chunk would be the end.
    if (direct === undefined || !this.begun || chunk.length === 0 || chunk.length > ONE_WRITE_BYTES) {
      this.begun = true;
      return response.write(chunk);
    }
    // One string is one write; by `response.write` a chunk is four, put together again for one system call.
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    return direct.write(`${bytes.length.toString(16)}\r\n${bytes.toString("latin1")}\r\n`, "latin1");
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
  private end(last: Buffer | string): void {
    const { request, response } = this;
    const { complete, headers } = request;
    if (last.length === 0) response.end();
    // Head and body as one string of bytes are one write; a buffer after the head is two.
    else if (typeof last === "string") response.end(last, "latin1");
    else if (last.length <= ONE_WRITE_BYTES) response.end(last.toString("latin1"), "latin1");
    else response.end(last);
    if (complete || (headers["transfer-encoding"] === undefined && !(Number(headers["content-length"]) > 0))) return;
    // A body that came with its head is told as complete only after it.
    setImmediate(linger, request, this.port.host.clock);
  }
}

/** Throws away what a caller still sends, within bounds. */
function linger(request: Incoming, clock: Clock): void {
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
