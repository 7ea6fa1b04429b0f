import type { Connector } from "./connector.ts";
import type { SentExchange } from "./exchange.ts";
import { bodyOf, Link, type LinkOwner } from "./wire-link.ts";
import { RequestHeads } from "./wire-request.ts";

/** Milliseconds an idle connection to a provider is kept. Below what common servers allow, so that they do not close first. */
export const KEEP_ALIVE_MS = 4_000;
/** How often it is looked for connections that were idle for too long. None of them is used, whenever that is. */
const SWEEP_MS = 1_000;

/**
 * Connections to one origin that speak HTTP/1.1: one question at a time on each, whose body is one buffer. The one that was idle for
 * the shortest time is used first.
 */
export class Wire implements LinkOwner {
  private readonly connector: Connector;
  private readonly heads: RequestHeads;
  private readonly all = new Set<Link>();
  /** Ordered by when they became idle. */
  private idle: Link[] = [];
  /** Whose answer was whole in this turn of the loop. */
  private rested: Link[] = [];
  /** Chosen in this turn for an exchange. */
  private due: Link[] = [];
  private turning = false;
  private sweeper: NodeJS.Timeout | undefined = undefined;
  private isClosed = false;
  private isCut = false;

  constructor(origin: string, connector: Connector) {
    this.heads = new RequestHeads(origin);
    this.connector = connector;
  }

  /** Throws, and sends nothing, when the request cannot be said in HTTP/1.1. */
  send(exchange: SentExchange): void {
    const { request } = exchange;
    this.place(exchange, this.heads.write(request, bodyOf(exchange)?.length ?? 0));
  }

  /** As `send`, but over a new connection. */
  sendAnew(exchange: SentExchange): void {
    this.open(exchange, this.heads.write(exchange.request, bodyOf(exchange)?.length ?? 0));
  }

  place(exchange: SentExchange, head: string): void {
    const now = performance.now();
    for (let link = this.idle.pop(); link !== undefined; link = this.idle.pop()) {
      if (link.until <= now) {
        link.destroy();
        continue;
      }
      link.take(exchange, head);
      this.due.push(link);
      this.turn();
      return;
    }
    this.open(exchange, head);
  }

  rest(link: Link): void {
    if (this.isClosed) {
      link.destroy();
      return;
    }
    this.rested.push(link);
    this.turn();
  }

  gone(link: Link): void {
    this.all.delete(link);
    const at = this.idle.indexOf(link);
    if (at >= 0) this.idle.splice(at, 1);
  }

  /** Lets go of what is idle, and of the rest when its answer is whole. */
  close(): void {
    this.isClosed = true;
    for (const link of this.idle.splice(0)) link.destroy();
  }

  /** Cuts every connection. Settles when all are closed. */
  async destroy(): Promise<void> {
    this.isClosed = true;
    this.isCut = true;
    clearTimeout(this.sweeper);
    await Promise.all([...this.all].map((link) => link.cut(cutError())));
  }

  private open(exchange: SentExchange, head: string): void {
    if (this.isCut) {
      queueMicrotask(() => exchange.onResponseError(undefined, cutError()));
      return;
    }
    const link = new Link(this);
    link.take(exchange, head);
    this.all.add(link);
    link.open(this.connector);
  }

  private turn(): void {
    if (this.turning) return;
    this.turning = true;
    setImmediate(this.onTurn);
  }

  /**
   * What had come over the connections before was read in this turn: a question is not sent over one that was closed, nor over one
   * that said something unasked.
   */
  private readonly onTurn = (): void => {
    this.turning = false;
    const { due, rested } = this;
    if (due.length > 0) {
      this.due = [];
      for (const link of due) link.write();
    }
    if (rested.length === 0) return;
    this.rested = [];
    const now = performance.now();
    for (const link of rested) {
      if (!link.isOpen) continue;
      if (this.isClosed) link.destroy();
      else {
        link.restUntil(now, KEEP_ALIVE_MS);
        this.idle.push(link);
      }
    }
    if (this.idle.length > 0) this.sweeper ??= setTimeout(this.sweep, SWEEP_MS).unref();
  };

  private readonly sweep = (): void => {
    const now = performance.now();
    for (const link of this.idle.filter(({ until }) => until <= now)) link.destroy();
    if (this.idle.length > 0) this.sweeper?.refresh();
    else this.sweeper = undefined;
  };
}

function cutError(): Error {
  return new Error("the connections to the provider were cut");
}
