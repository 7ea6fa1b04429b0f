import { requestId } from "../core/arrival.ts";
import type { Call, HeaderMap } from "../core/call.ts";
import type { GatewayError } from "../core/errors.ts";
import { NOBODY } from "../core/grants.ts";
import type { BodyReader, BodySource, FlatHeaders } from "../core/protocol.ts";
import type { Collector, Owner } from "./body-limit.ts";
import { type Exchange, fail, type Port } from "./host.ts";

/** What every exchange has, whatever HTTP it came by. From its making until it tells `finished` it is one of the open ones. */
export abstract class Arrived implements Exchange, Owner {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderMap;
  readonly remote: string;
  readonly started: number;
  readonly id: string;
  readonly always: string[];
  place = 0;
  counted = false;
  principal = NOBODY;
  protocol = "";
  call: Call | undefined = undefined;
  error: GatewayError | undefined = undefined;
  status = 0;
  onDrain: (() => void) | undefined = undefined;
  onGone: (() => void) | undefined = undefined;
  onStop: ((error: GatewayError) => void) | undefined = undefined;
  protected readonly port: Port;
  protected body: Collector | undefined = undefined;

  /** @param target Path and query. */
  constructor(method: string, target: string, headers: HeaderMap, remote: string, port: Port) {
    const { host } = port;
    const mark = target.indexOf("?");
    this.method = method;
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
    this.headers = headers;
    this.remote = remote;
    this.port = port;
    this.started = host.clock.now();
    this.id = requestId(headers, host.newId);
    this.always = ["x-request-id", this.id];
    host.open.add(this);
  }

  abstract readonly http2: boolean;
  abstract readonly secure: boolean;
  abstract look(now: number): void;
  abstract collect(limitBytes: number, done: (error: GatewayError | undefined, bytes: Buffer) => void): void;
  abstract read(on: BodyReader): BodySource;
  abstract send(status: number, headers: FlatHeaders, body: Buffer | string, trailers?: FlatHeaders): void;
  abstract open(status: number, headers: FlatHeaders, trailers?: boolean): void;
  abstract write(chunk: Buffer | string): boolean;
  abstract close(trailers?: FlatHeaders): void;
  abstract reset(): void;

  get base(): string {
    const authority = this.headers[":authority"] ?? this.headers["host"] ?? "localhost";
    return `${this.secure ? "https" : "http"}://${String(authority)}`;
  }

  cut(): void {
    this.reset();
  }

  failed(thrown: unknown): void {
    fail(this, this.port, thrown);
  }

  /** Gives up on a body that takes too long. */
  protected hurry(now: number): void {
    if (now - this.started > this.port.requestTimeoutMs) this.body?.late();
  }
}
