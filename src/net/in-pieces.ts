import type { Client, Pool } from "undici";
import type { Connector } from "./connector.ts";
import type { SentExchange } from "./exchange.ts";
import { KEEP_ALIVE_MS } from "./wire.ts";
import { MAX_HEAD_BYTES } from "./wire-reader.ts";

/** Its type does not know bodies that can be iterated. */
type Dispatched = Parameters<Pool["dispatch"]>[0];

/** Loaded with the first body that needs it: it is a quarter of all that a gateway could load. */
let undici: Promise<typeof import("undici")> | undefined;

/** Connections to one origin for requests whose body is written piece by piece, as the provider takes it: undici's. */
export class InPieces {
  private readonly origin: string;
  private readonly settings: Pool.Options;
  private pool: Pool | undefined = undefined;
  private readonly singles = new Set<Client>();
  private isCut = false;

  constructor(origin: string, connector: Connector) {
    this.origin = origin;
    this.settings = {
      connect: (_, done) => void connector(done as Parameters<Connector>[0]),
      // Our own limits are exact and say which one passed; those of undici are switched off.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
      allowH2: false,
      pipelining: 1,
    };
  }

  send(exchange: SentExchange): void {
    this.load(exchange, ({ Pool }) => {
      this.pool ??= new Pool(this.origin, this.settings);
      this.pool.dispatch(exchange.request as Dispatched, exchange);
    });
  }

  /** As `send`, but over a new connection. */
  sendAnew(exchange: SentExchange): void {
    this.load(exchange, ({ Client }) => {
      const client = new Client(this.origin, this.settings as Client.Options);
      this.singles.add(client);
      client.dispatch(exchange.request as Dispatched, exchange);
      void client.close().finally(() => this.singles.delete(client));
    });
  }

  /** Lets go of what is idle, and of the rest when its answer is whole. */
  close(): void {
    // After what waits for the same.
    void undici?.then(() => this.pool?.close());
  }

  /** Cuts every connection. Settles when all are closed. */
  async destroy(): Promise<void> {
    this.isCut = true;
    await Promise.all([...(this.pool ? [this.pool] : []), ...this.singles].map((one) => one.destroy()));
  }

  private load(exchange: SentExchange, use: (loaded: typeof import("undici")) => void): void {
    undici ??= import("undici");
    undici
      .then((loaded) => {
        if (this.isCut) throw new Error("the connections to the provider were cut");
        use(loaded);
      })
      .catch((cause: unknown) => exchange.onResponseError(undefined, cause));
  }
}
