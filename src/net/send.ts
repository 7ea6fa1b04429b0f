import { isIP, type LookupFunction, type Socket } from "node:net";
import { buildConnector, Client, Pool } from "undici";
import { plainName } from "../core/address.ts";
import type { Exchange, Outgoing, Receiver } from "../core/provider.ts";
import { type Egress, EgressRefused, guardedLookup } from "./egress.ts";
import { CONNECT_TIMEOUT, type Request, type Sender, SentExchange } from "./exchange.ts";
import { quicken } from "./quick.ts";

/** Milliseconds an idle connection to a provider is kept. Below what common servers allow, so that they do not close first. */
const KEEP_ALIVE_MS = 4_000;
/** Most bytes of the head of a provider's answer; twice what servers send at most by default. */
const MAX_HEAD_BYTES = 32 * 1024;
/** Larger bodies are handed over in pieces of this size. */
const PIECE_BYTES = 256 * 1024;

/** How an origin is dialed. */
export interface Dialing {
  /** Time for DNS, TCP and TLS together, milliseconds. */
  readonly connectMs: number;
  /** Most connections at a time. One more exchange is refused at once, and not kept waiting where nobody sees it. */
  readonly maxConnections: number;
  readonly egress: Egress;
}

/**
 * The one dialer: everything that leaves the process goes through here. Redirects are never followed and the environment's
 * proxies are not asked.
 */
export class Dialer {
  private readonly lines = new Map<string, Line>();
  private named = new Set<string>();
  private readonly resolve: LookupFunction | undefined;

  /** @param resolve In place of the system's resolver. */
  constructor(resolve?: LookupFunction) {
    this.resolve = resolve;
  }

  /**
   * Sends to one origin. The connections of an origin are shared by all that dial it in the same way.
   *
   * @param origin Scheme, host and port.
   */
  to(origin: string, how: Dialing): Exchange {
    const key = `${origin} ${how.connectMs} ${how.maxConnections} ${how.egress.key}`;
    this.named.add(key);
    // Looked up anew: a call that began before a reload may need connections that the new config does not name.
    return (outgoing, receiver) => this.line(key, origin, how).send(outgoing, receiver);
  }

  /**
   * Lets go of the connections to origins that are not in `origins`, and of those that nobody asked for since the last time;
   * what is under way on them goes on to its end.
   */
  keep(origins: ReadonlySet<string>): void {
    for (const [key, line] of this.lines) {
      if (origins.has(line.origin) && this.named.has(key)) continue;
      this.lines.delete(key);
      line.close();
    }
    this.named = new Set();
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    const all = [...this.lines.values()];
    this.lines.clear();
    await Promise.all(all.map((line) => line.destroy()));
  }

  private line(key: string, origin: string, how: Dialing): Line {
    let line = this.lines.get(key);
    if (line === undefined) {
      line = new Line(origin, how, this.resolve);
      this.lines.set(key, line);
    }
    return line;
  }
}

/** The connections to one origin. */
class Line implements Sender {
  readonly origin: string;
  connects = 0;
  private readonly maxConnections: number;
  private readonly pool: Pool;
  private readonly settings: Pool.Options;
  private readonly singles = new Set<Client>();
  private busy = 0;

  constructor(origin: string, { connectMs, maxConnections, egress }: Dialing, resolve: LookupFunction | undefined) {
    this.origin = origin;
    this.maxConnections = maxConnections;
    const connect = guardedConnector(connectMs, egress, resolve);
    this.settings = {
      connect: (options, done) => {
        this.connects++;
        connect(options, done);
      },
      // Our own limits are exact and say which one passed; those of undici are switched off.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
      allowH2: false,
      pipelining: 1,
    };
    this.pool = new Pool(origin, this.settings);
  }

  send(outgoing: Outgoing, receiver: Receiver): SentExchange {
    const exchange = new SentExchange(receiver, this, requestOf(outgoing));
    this.busy++;
    try {
      if (this.busy > this.maxConnections) {
        throw new Error(`all ${this.maxConnections} connections to ${this.origin} are in use`);
      }
      this.pool.dispatch(exchange.request as Dispatched, exchange);
    } catch (cause) {
      queueMicrotask(() => exchange.onResponseError(undefined, cause));
    }
    return exchange;
  }

  released(): void {
    this.busy--;
  }

  /** Another idle connection could be as dead as the first. */
  again(exchange: SentExchange): void {
    const client = new Client(this.origin, this.settings as Client.Options);
    this.singles.add(client);
    client.dispatch(exchange.request as Dispatched, exchange);
    void client.close().finally(() => this.singles.delete(client));
  }

  close(): void {
    void this.pool.close();
  }

  async destroy(): Promise<void> {
    await Promise.all([this.pool, ...this.singles].map((one) => one.destroy()));
  }
}

/** Its type does not know bodies that can be iterated. */
type Dispatched = Parameters<Pool["dispatch"]>[0];

function requestOf({ method, path, headers, body }: Outgoing): Request {
  if (method === "GET") return { method, path, headers: headers as string[], body: null };
  if (body.length <= PIECE_BYTES) return { method: "POST", path, headers: headers as string[], body };
  // A provider that answers early, as with 413, is not sent the rest, and the connection is not used again: what is still in
  // our buffers would come before the next question.
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += PIECE_BYTES) pieces.push(body.subarray(at, at + PIECE_BYTES));
  return { method: "POST", path, headers: [...headers, "content-length", String(body.length)], body: pieces };
}

/**
 * A connector that dials what `egress` allows, and gives up after exactly `ms`; undici's own timer ticks once a second. A name
 * is judged by its addresses, after DNS; an address in the URL never gets to DNS and is judged here.
 */
function guardedConnector(ms: number, egress: Egress, resolve: LookupFunction | undefined): buildConnector.connector {
  const lookup = guardedLookup(egress, resolve);
  const connect = buildConnector({ timeout: 0, allowH2: false, lookup } as buildConnector.BuildOptions) as (
    ...args: Parameters<buildConnector.connector>
  ) => Socket;
  return (options, done) => {
    const host = plainName(options.hostname);
    const why = isIP(host) === 0 ? undefined : egress.refuse(host, host);
    if (why !== undefined) {
      queueMicrotask(() => done(new EgressRefused(why), null));
      return;
    }
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      // The system would go on knocking for two minutes.
      socket.destroy();
      done(Object.assign(new Error("connect timeout"), { [CONNECT_TIMEOUT]: true }), null);
    }, ms);
    const socket = connect(options, (error, open) => {
      clearTimeout(timer);
      if (over) open?.destroy();
      else if (error) done(error, null);
      else {
        quicken(open!);
        done(null, open!);
      }
    });
  };
}
