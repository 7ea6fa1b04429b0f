import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type { QueryResult as Answer, PoolClient } from "pg";
import { errors } from "../../core/errors.ts";
import { breaks, failure, within } from "./failure.ts";

/** Longest wait for an answer: of a read, and of a statement in a transaction, whose server gives up a little earlier. */
const READ_MS = 2_000;
const STATEMENT_MS = 6_000;

/** "poly", "gate": all gateways of one database write in turns. */
const LOCK = "1886350457, 1734440037";

/**
 * With the lock for writing, which ends with the transaction. Waits are bounded on the server's side as well, so that a gateway that
 * stands still, or is gone without a word, keeps others waiting for half a minute at most.
 */
const BEGIN = `begin isolation level read committed;
set local lock_timeout = '5s';
set local statement_timeout = '5500ms';
set local idle_in_transaction_session_timeout = '30s';
select pg_advisory_xact_lock(${LOCK});
select txid_current()::text as xid`;

/** One connection, lent by the pool. Whatever fails is STORE_UNAVAILABLE. */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #secret: string;
  #tail: Promise<unknown> = Promise.resolve();
  #broken = false;
  #within = false;
  /** What failed in the transaction, of which nothing may be kept then. */
  #failed: unknown;

  constructor(client: PoolClient, secret: string) {
    this.#client = client;
    this.#secret = secret;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const answer = await this.#ask(sql, parameters);
    return { rows: answer.rows as R[] };
  }

  /** The transaction's number. */
  async begin(): Promise<string> {
    this.#within = true;
    try {
      const answers = (await this.#ask(BEGIN)) as unknown as readonly Answer<{ xid: string }>[];
      return answers.at(-1)!.rows[0]!.xid;
    } catch (error) {
      // It may have begun, without the lock.
      await this.rollback();
      throw error;
    }
  }

  /** True: it is committed; false: the connection was lost, and nobody knows. Throws STORE_UNAVAILABLE when it is not. */
  async commit(): Promise<boolean> {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      const { command } = await this.#ask("commit");
      this.#within = false;
      if (command === "COMMIT") return true;
    } catch (error) {
      if (this.#broken) return false;
      throw error;
    }
    throw errors.storeUnavailable("The database failed; nothing was changed.");
  }

  /** Never throws: a connection that cannot do it is closed, and the server does it then. */
  async rollback(): Promise<void> {
    this.#failed = undefined;
    if (!this.#broken) await this.#ask("rollback").catch(() => undefined);
    this.#within = false;
    this.#failed = undefined;
  }

  release(): void {
    this.#client.release(this.#broken);
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("Nothing is streamed from PostgreSQL.");
  }

  /** One after the other: the client takes no second question before the first is answered. */
  #ask(sql: string, parameters?: readonly unknown[]): Promise<Answer> {
    const asked = this.#tail.then(() => this.#askNow(sql, parameters));
    this.#tail = asked.catch(() => undefined);
    return asked;
  }

  async #askNow(sql: string, parameters: readonly unknown[] | undefined): Promise<Answer> {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      const answer = this.#client.query(sql, parameters as unknown[] | undefined);
      return await within(this.#within ? STATEMENT_MS : READ_MS, answer);
    } catch (error) {
      if (breaks(error)) this.#broken = true;
      const failed = failure(error, this.#secret);
      if (this.#within) this.#failed = failed;
      throw failed;
    }
  }
}
