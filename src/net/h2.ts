import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from "node:http2";
import type { GatewayError } from "../core/errors.ts";
import type { BodyReader, BodySource, FlatHeaders } from "../core/protocol.ts";
import { Arrived } from "./arrived.ts";
import { Collector, LINGER_MS } from "./body-limit.ts";
import type { Port } from "./host.ts";

const INBOUND = Symbol("inbound");
type Tied = ServerHttp2Stream & { [INBOUND]: H2Inbound | undefined };

// One listener for all exchanges, as for HTTP/1.1: a closure for each would be garbage for each.
function closed(this: ServerHttp2Stream): void {
  (this as Tied)[INBOUND]?.over();
}
function drained(this: ServerHttp2Stream): void {
  (this as Tied)[INBOUND]?.onDrain?.();
}
function stalled(this: ServerHttp2Stream): void {
  (this as Tied)[INBOUND]?.stalled();
}
function trailing(this: ServerHttp2Stream): void {
  (this as Tied)[INBOUND]?.trail();
}
/** A stream's error is followed by its close, which is what counts. */
function ignore(): void {}

/** One HTTP/2 stream. */
export class H2Inbound extends Arrived {
  readonly http2 = true;
  private readonly stream: ServerHttp2Stream;
  private trailers: FlatHeaders | undefined = undefined;
  private closed = false;
  /** Somebody looks whether what waits to be written moves. */
  private watched = false;
  /** When the answer was first seen to be out while the caller still sends; 0: not yet. */
  private lingersFrom = 0;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, port: Port) {
    const target = String(headers[":path"] ?? "/");
    super(String(headers[":method"] ?? "GET"), target, headers, remoteOf(stream.session), port);
    this.stream = stream;
    (stream as Tied)[INBOUND] = this;
    stream.on("close", closed);
    stream.on("error", ignore);
  }

  /** The exchange is over, however it ended. */
  over(): void {
    const { host } = this.port;
    host.open.delete(this);
    if (!this.closed || this.stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.onGone?.();
    this.body?.forget();
    host.finished(this);
    // V8 keeps a stream of Node's until a full collection: what hung on it must not stay with it.
    (this.stream as Tied)[INBOUND] = undefined;
  }

  isOf(session: ServerHttp2Session): boolean {
    return this.stream.session === session;
  }

  look(now: number): void {
    const { stream, port } = this;
    this.hurry(now);
    if (stream.writableFinished && !stream.readableEnded) {
      if (this.lingersFrom === 0) this.lingersFrom = now;
      else if (now - this.lingersFrom > LINGER_MS) stream.close(constants.NGHTTP2_NO_ERROR);
    }
    if (this.watched || !(stream.bufferSize > 0)) return;
    this.watched = true;
    stream.setTimeout(port.stallTimeoutMs, stalled);
  }

  /** Nothing moved for a while: the caller takes nothing, or there is nothing to take. */
  stalled(): void {
    if (this.stream.bufferSize > 0) this.stream.close(constants.NGHTTP2_CANCEL);
    else {
      this.watched = false;
      this.stream.setTimeout(0);
    }
  }

  get secure(): boolean {
    return this.stream.session?.encrypted ?? false;
  }

  collect(limitBytes: number, done: (error: GatewayError | undefined, bytes: Buffer) => void): void {
    const declared = this.headers["content-length"];
    const length = typeof declared === "string" ? declared : undefined;
    this.body = new Collector(length, limitBytes, this.port, this, done);
    this.body.listen(this.stream);
  }

  read(on: BodyReader): BodySource {
    const { stream } = this;
    stream.on("data", (chunk: Buffer) => on.onChunk(chunk));
    stream.on("end", () => on.onEnd());
    stream.on("aborted", () => on.onBreak());
    return stream;
  }

  /** A stream that was reset is closed at once, and destroyed some time later; written to, it throws from the first on. */
  private get gone(): boolean {
    return this.stream.closed || this.stream.destroyed;
  }

  send(status: number, headers: FlatHeaders, body: Buffer | string, trailers?: FlatHeaders): void {
    const { stream } = this;
    if (this.gone || stream.headersSent) return;
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    if (trailers) {
      this.head(status, [":status", String(status), ...headers, ...this.always], WITH_TRAILERS);
      this.closed = true;
      this.trailers = trailers;
      stream.on("wantTrailers", trailing);
      stream.end(bytes);
      return;
    }
    const whole = this.method === "HEAD" || bytes.length === 0;
    const length = String(bytes.length);
    const all = [":status", String(status), ...headers, "content-length", length, ...this.always];
    this.head(status, all, whole ? HEAD_ALONE : HEAD_FIRST);
    this.closed = true;
    if (!whole) stream.end(bytes);
  }

  open(status: number, headers: FlatHeaders, trailers = false): void {
    const { stream } = this;
    if (this.gone || stream.headersSent) return;
    this.head(status, [":status", String(status), ...headers, ...this.always], trailers ? WITH_TRAILERS : HEAD_FIRST);
    stream.on("drain", drained);
    if (trailers) stream.on("wantTrailers", trailing);
  }

  /** A header that cannot be sent throws, and then nothing was. */
  private head(status: number, all: string[], options: ServerStreamResponseOptions): void {
    this.stream.respond(all as never, options);
    this.status = status;
  }

  /** All that comes before the trailers is out. */
  trail(): void {
    this.stream.sendTrailers(object(this.trailers ?? []));
  }

  write(chunk: Buffer | string): boolean {
    return this.gone ? true : this.stream.write(chunk);
  }

  close(trailers?: FlatHeaders): void {
    this.closed = true;
    this.trailers = trailers;
    if (!this.gone) this.stream.end();
  }

  reset(): void {
    this.closed = true;
    if (!this.gone) this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

const HEAD_ALONE: ServerStreamResponseOptions = { endStream: true };
const HEAD_FIRST: ServerStreamResponseOptions = {};
const WITH_TRAILERS: ServerStreamResponseOptions = { waitForTrailers: true };

/** Trailers are no list for Node, as the headers may be. */
function object(flat: FlatHeaders): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const before = headers[name];
    const value = flat[i + 1]!;
    headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers;
}

/** A session gives its socket away through a proxy, and not at all once it is closed: it is asked once. */
const remotes = new WeakMap<object, string>();

function remoteOf(session: ServerHttp2Stream["session"]): string {
  if (session === undefined) return "";
  let remote = remotes.get(session);
  if (remote === undefined) {
    remote = session.socket.remoteAddress ?? "";
    remotes.set(session, remote);
  }
  return remote;
}
