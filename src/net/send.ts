import type { LookupFunction } from "node:net";
import type { Exchange, Outgoing, Receiver } from "../core/provider.ts";
import { type Connector, connectorOf } from "./connector.ts";
import type { Egress } from "./egress.ts";
import { type Request, type Sender, SentExchange } from "./exchange.ts";
import { InPieces } from "./in-pieces.ts";
import { Wire } from "./wire.ts";

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
  private readonly connector: Connector;
  private readonly wire: Wire;
  private pieces: InPieces | undefined = undefined;
  private busy = 0;

  constructor(origin: string, { connectMs, maxConnections, egress }: Dialing, resolve: LookupFunction | undefined) {
    this.origin = origin;
    this.maxConnections = maxConnections;
    this.connector = connectorOf(origin, connectMs, egress, resolve);
    this.wire = new Wire(origin, this.connector);
  }

  send(outgoing: Outgoing, receiver: Receiver): SentExchange {
    const exchange = new SentExchange(receiver, this, requestOf(outgoing));
    this.busy++;
    try {
      if (this.busy > this.maxConnections) {
        throw new Error(`all ${this.maxConnections} connections to ${this.origin} are in use`);
      }
      this.way(exchange).send(exchange);
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
    this.way(exchange).sendAnew(exchange);
  }

  close(): void {
    this.wire.close();
    this.pieces?.close();
  }

  async destroy(): Promise<void> {
    await Promise.all([this.wire.destroy(), this.pieces?.destroy()]);
  }

  private way({ request: { body } }: SentExchange): Wire | InPieces {
    if (!Array.isArray(body)) return this.wire;
    this.pieces ??= new InPieces(this.origin, (done) => {
      this.connects++;
      return this.connector(done);
    });
    return this.pieces;
  }
}

function requestOf({ method, path, headers, body }: Outgoing): Request {
  if (method === "GET") return { method, path, headers: headers as string[], body: null };
  if (body.length <= PIECE_BYTES) return { method: "POST", path, headers: headers as string[], body };
  // A provider that answers early, as with 413, is not sent the rest, and the connection is not used again: what is still in
  // our buffers would come before the next question.
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += PIECE_BYTES) pieces.push(body.subarray(at, at + PIECE_BYTES));
  return { method: "POST", path, headers: [...headers, "content-length", String(body.length)], body: pieces };
}
