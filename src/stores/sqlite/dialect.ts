import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { failure, patiently } from "./file.ts";

/** Kysely over one connection of `node:sqlite`. Whatever fails is STORE_UNAVAILABLE. */
export function sqliteDialect(db: DatabaseSync): Dialect {
  return {
    createDriver: () => new SqliteDriver(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  };
}

class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;

  constructor(db: DatabaseSync) {
    this.#connection = new SqliteConnection(db);
  }
  init(): Promise<void> {
    return Promise.resolve();
  }
  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }
  beginTransaction(): Promise<void> {
    return this.#connection.begin();
  }
  commitTransaction(): Promise<void> {
    return this.#connection.commit();
  }
  rollbackTransaction(): Promise<void> {
    this.#connection.rollback();
    return Promise.resolve();
  }
  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }
  destroy(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  /** By their text; there are some thirty, and one for each length of a list. */
  readonly #statements = new Map<string, StatementSync>();
  /** What failed in the transaction. SQLite may have undone it by itself, and would run what follows outside of one. */
  #failed: unknown;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#failed !== undefined) throw this.#failed;
    const within = this.#db.isTransaction;
    try {
      const rows = await patiently(() => this.#statement(sql).all(...(parameters as readonly SQLInputValue[])));
      return { rows: rows as R[] };
    } catch (error) {
      const failed = failure(error);
      if (within) this.#failed = failed;
      throw failed;
    }
  }

  /** With the lock for writing at once: one that is asked for later may be refused half way. */
  async begin(): Promise<void> {
    this.#failed = undefined;
    try {
      if (this.#db.isTransaction) this.#db.exec("rollback");
      await patiently(() => this.#db.exec("begin immediate"));
    } catch (error) {
      throw failure(error);
    }
  }

  async commit(): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      await patiently(() => this.#db.exec("commit"));
    } catch (error) {
      throw failure(error);
    }
  }

  /** Never throws: what it was called for is what counts, and the next transaction tries again. */
  rollback(): void {
    this.#failed = undefined;
    try {
      if (this.#db.isOpen && this.#db.isTransaction) this.#db.exec("rollback");
    } catch {
      // The disk fails; the next statement says so.
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("Nothing is streamed from SQLite.");
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    if (this.#statements.size >= 200) this.#statements.clear();
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
