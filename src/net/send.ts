import { buildConnector, Pool } from "undici";
import type { Controls, Exchange, Outgoing, Receiver, ReplyHeaders } from "../core/provider.ts";
import { type Decoding, decoding } from "./decode.ts";

/** Milliseconds an idle connection to a provider is kept. Below what common servers allow, so that they do not close first. */
const KEEP_ALIVE_MS = 4_000;

type DispatchHandler = NonNullable<Parameters<Pool["dispatch"]>[1]>;
type DispatchController = Parameters<NonNullable<DispatchHandler["onRequestStart"]>>[0];

/** The one dialer: everything that leaves the process goes through here. Redirects are never followed. */
export class Dialer {
  private readonly pools = new Map<string, Pool>();

  /**
   * Sends to one origin. The connections of an origin are shared by all that name the same one.
   *
   * @param origin Scheme, host and port.
   * @param connectMs Time for DNS, TCP and TLS together.
   */
  to(origin: string, connectMs: number): Exchange {
    return (outgoing, receiver) => {
      const handler = new Handler(receiver);
      try {
        // Looked up anew: a call that began before a reload may need a pool that the new config does not name.
        this.pool(origin, connectMs).dispatch(request(outgoing), handler);
      } catch (cause) {
        queueMicrotask(() => handler.breakOff(cause));
      }
      return handler;
    };
  }

  /** Lets go of the connections to origins that are not in `origins`; what is under way on them goes on to its end. */
  keep(origins: ReadonlySet<string>): void {
    for (const [key, pool] of this.pools) {
      if (origins.has(key.slice(0, key.indexOf(" ")))) continue;
      this.pools.delete(key);
      void pool.close();
    }
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    const all = [...this.pools.values()];
    this.pools.clear();
    await Promise.all(all.map((pool) => pool.destroy()));
  }

  private pool(origin: string, connectMs: number): Pool {
    const key = `${origin} ${connectMs}`;
    let pool = this.pools.get(key);
    if (pool === undefined) {
      // Our own limits are exact and say which one passed; those of undici are switched off.
      const connect = timedConnector(connectMs);
      pool = new Pool(origin, {
        connect,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        allowH2: false,
        pipelining: 1,
      });
      this.pools.set(key, pool);
    }
    return pool;
  }
}

function request({ path, headers, body }: Outgoing) {
  return { method: "POST" as const, path, headers: headers as string[], body };
}

const CONNECT_TIMEOUT = Symbol("connect timeout");

/** A connector that gives up after exactly `ms`; undici's own timer ticks once a second. */
function timedConnector(ms: number): buildConnector.connector {
  const connect = buildConnector({ timeout: 0, allowH2: false });
  return (options, done) => {
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      done(Object.assign(new Error("connect timeout"), { [CONNECT_TIMEOUT]: true }), null);
    }, ms);
    connect(options, (error, socket) => {
      clearTimeout(timer);
      if (over) socket?.destroy();
      else if (error) done(error, null);
      else done(null, socket!);
    });
  };
}

/** One exchange: undici's pushes in our words. After `abort` it is silent. */
class Handler implements Controls {
  private readonly receiver: Receiver;
  private controller: DispatchController | undefined = undefined;
  private silent = false;
  private held = false;
  private begun = false;
  private framed = false;
  private decoder: Decoding | undefined = undefined;

  constructor(receiver: Receiver) {
    this.receiver = receiver;
  }

  onRequestStart(controller: DispatchController): void {
    this.controller = controller;
    if (this.silent) controller.abort(new Error("abandoned"));
  }
  onResponseStart(controller: DispatchController, status: number, headers: ReplyHeaders): void {
    if (status < 200 || this.silent) return;
    this.begun = true;
    this.framed = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
    if (headers["content-encoding"] !== undefined) this.decoder = decoding(headers["content-encoding"], this.receiver);
    this.receiver.onHead(status, headers);
    if (this.held) controller.pause();
  }
  onResponseData(_: DispatchController, chunk: Buffer): void {
    if (this.silent) return;
    if (this.decoder) this.decoder.push(chunk);
    else this.receiver.onData(chunk);
  }
  onResponseEnd(): void {
    if (this.silent) return;
    this.silent = true;
    if (this.decoder) this.decoder.end(this.framed);
    else this.receiver.onEnd(this.framed);
  }
  onResponseError(_: DispatchController, cause: Error): void {
    this.breakOff(cause);
  }

  breakOff(cause: unknown): void {
    if (this.silent) return;
    this.silent = true;
    this.decoder?.stop();
    const isTimeout = typeof cause === "object" && cause !== null && CONNECT_TIMEOUT in cause;
    const before = this.controller === undefined && !this.begun;
    this.receiver.onBreak(isTimeout ? "connect_timeout" : before ? "connect" : "broken", cause);
  }

  pause(): void {
    this.held = true;
    if (!this.silent) this.controller?.pause();
  }
  resume(): void {
    this.held = false;
    if (!this.silent) this.controller?.resume();
  }
  abort(): void {
    this.silent = true;
    this.decoder?.stop();
    this.controller?.abort(new Error("abandoned"));
  }
}
