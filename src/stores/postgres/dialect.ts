import { setTimeout as delay } from "node:timers/promises";
import {
  CompiledQuery,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import type { Pool } from "pg";
import { errors } from "../../core/errors.ts";
import { PostgresConnection } from "./connection.ts";
import { failure } from "./failure.ts";

/** How long the outcome of a commit is asked for after its connection was lost. */
const SETTLE_MS = 5_000;
const PAUSE_MS = 100;

/** Kysely over a pool. Its transactions are for writing: they begin with the lock that all gateways share. */
export function postgresDialect(pool: Pool, secret: string): Dialect {
  return {
    createDriver: () => new PostgresDriver(pool, secret),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
  };
}

class PostgresDriver implements Driver {
  readonly #pool: Pool;
  readonly #secret: string;
  /** Of transactions that are under way: their numbers. */
  readonly #numbers = new WeakMap<PostgresConnection, string>();

  constructor(pool: Pool, secret: string) {
    this.#pool = pool;
    this.#secret = secret;
  }
  init(): Promise<void> {
    return Promise.resolve();
  }
  async acquireConnection(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect(), this.#secret);
    } catch (error) {
      throw failure(error, this.#secret);
    }
  }
  async beginTransaction(connection: PostgresConnection): Promise<void> {
    this.#numbers.set(connection, await connection.begin());
  }
  async commitTransaction(connection: PostgresConnection): Promise<void> {
    if (!(await connection.commit())) await this.#settle(this.#numbers.get(connection)!);
  }
  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.rollback();
  }
  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
  }
  async destroy(): Promise<void> {
    // The pool belongs to whoever made it.
  }

  /** Asks the server what became of a transaction whose commit was not answered. Returns when it was committed. */
  async #settle(xid: string): Promise<void> {
    const end = performance.now() + SETTLE_MS;
    while (performance.now() < end) {
      const status = await this.#statusOf(xid);
      if (status === "committed") return;
      if (status === "aborted") throw errors.storeUnavailable("The database was lost; nothing was changed.");
      await delay(PAUSE_MS);
    }
    throw errors.storeUnavailable("The database was lost while it committed; read again whether the change was kept.");
  }

  /** `undefined`: it cannot be asked now. */
  async #statusOf(xid: string): Promise<unknown> {
    let connection: PostgresConnection | undefined;
    try {
      connection = await this.acquireConnection();
      const query = CompiledQuery.raw("select txid_status($1::bigint) as status", [xid]);
      return (await connection.executeQuery<{ status: string }>(query)).rows[0]?.status;
    } catch {
      return undefined;
    } finally {
      connection?.release();
    }
  }
}
