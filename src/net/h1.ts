import type { IncomingMessage, ServerResponse } from "node:http";
import { requestId } from "../core/arrival.ts";
import type { Call, HeaderMap } from "../core/call.ts";
import type { GatewayError } from "../core/errors.ts";
import type { BodyReader, BodySource, FlatHeaders, Inbound } from "../core/protocol.ts";
import { collect } from "./body-limit.ts";
import type { Host } from "./host.ts";

/** One HTTP/1.1 exchange. */
export class H1Inbound implements Inbound {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderMap;
  readonly http2 = false;
  readonly started: number;
  readonly id: string;
  readonly always: string[];
  principal = "";
  protocol = "";
  call: Call | undefined = undefined;
  error: GatewayError | undefined = undefined;
  status = 0;
  onDrain: (() => void) | undefined = undefined;
  onGone: (() => void) | undefined = undefined;
  onStop: ((error: GatewayError) => void) | undefined = undefined;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, host: Host) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? "GET";
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = mark < 0 ? "" : url.slice(mark + 1);
    this.headers = request.headers;
    this.started = host.clock.now();
    this.id = requestId(request.headers, host.newId);
    this.always = ["x-request-id", this.id];
    response.on("drain", () => this.onDrain?.());
    response.on("close", () => {
      if (!response.writableFinished) this.onGone?.();
      host.finished(this);
    });
    // A socket error is followed by close, which is what counts.
    response.on("error", () => {});
    request.on("error", () => {});
  }

  get rawHeaders(): readonly string[] {
    return this.request.rawHeaders;
  }
  get secure(): boolean {
    return "encrypted" in this.request.socket;
  }
  get remote(): string {
    return this.request.socket.remoteAddress ?? "";
  }
  get base(): string {
    return `${this.secure ? "https" : "http"}://${this.request.headers.host ?? "localhost"}`;
  }

  collect(limitBytes: number, done: (error: GatewayError | undefined, bytes: Buffer) => void): void {
    const { request } = this;
    collect(request, request.headers["content-length"], limitBytes, done, () => request.socket.destroy());
  }

  read(on: BodyReader): BodySource {
    const { request } = this;
    request.on("data", (chunk: Buffer) => on.onChunk(chunk));
    request.on("end", () => on.onEnd());
    request.on("close", () => {
      if (!request.complete) on.onBreak();
    });
    return request;
  }

  send(status: number, headers: FlatHeaders, body: Buffer | string): void {
    const { response } = this;
    if (response.destroyed) return;
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    this.status = status;
    response.writeHead(status, this.closing([...headers, "content-length", String(length), ...this.always]));
    response.end(this.method === "HEAD" ? undefined : body);
  }

  open(status: number, headers: FlatHeaders): void {
    if (this.response.destroyed) return;
    this.status = status;
    this.response.writeHead(status, this.closing([...headers, ...this.always]));
  }

  write(chunk: Buffer | string): boolean {
    return this.response.destroyed ? true : this.response.write(chunk);
  }

  close(): void {
    if (!this.response.destroyed) this.response.end();
  }

  reset(): void {
    this.request.socket.destroy();
  }

  /** An answer before the whole body was read ends the connection once the caller had time to read it. */
  private closing(headers: string[]): string[] {
    if (!this.request.complete && !this.request.readableEnded) headers.push("connection", "close");
    return headers;
  }
}
