import { Kysely, sql } from "kysely";
import { errors } from "../../core/errors.ts";
import type { Ledger, LedgerSettings } from "../../core/ledger.ts";
import { openSqlLedger } from "../../sql/ledger.ts";
import type { Tables } from "../../sql/schema.ts";
import { Watch } from "../../sql/watch.ts";
import { sqliteDialect } from "./dialect.ts";
import { openFile, sameFile } from "./file.ts";

const POLL_MS = 250;

/**
 * A ledger in the file `path`. With `create: false` and no file: STORE_UNAVAILABLE; whether there is one is the file system's to say.
 *
 * Statements run at once on the thread that asks, tens of microseconds each; a commit waits for the disk. Reads have a connection of
 * their own, so that they never see half a transaction.
 */
export async function openLedger({ path, create, pollMs, failed }: LedgerSettings): Promise<Ledger> {
  const writer = await openFile(path, create);
  const reader = await openFile(path, false).catch((error: unknown) => {
    writer.close();
    throw error;
  });
  const there = sameFile(path);
  const reads = new Kysely<Tables>({ dialect: sqliteDialect(reader) });
  const writes = new Kysely<Tables>({ dialect: sqliteDialect(writer) });
  return openSqlLedger({
    kind: "sqlite",
    reads,
    writes,
    async lock() {
      // The transaction has begun with the lock.
      if (!there()) throw errors.storeUnavailable("The store's file was moved or removed; start the gateway again.");
    },
    async hasSchema(db) {
      const found = sql<{
        there: number;
      }>`select count(*) as there from sqlite_master where name = 'polygate_schema'`;
      return (await found.execute(db)).rows[0]!.there > 0;
    },
    // It counts what other connections committed, of this process and of others, in some ten microseconds.
    watch: new Watch({
      look: async () => reader.prepare("pragma data_version").get()!["data_version"],
      pollMs: pollMs ?? POLL_MS,
      failed,
    }),
    async close() {
      await reads.destroy();
      await writes.destroy();
      // Kysely closes only what was used.
      for (const db of [reader, writer]) if (db.isOpen) db.close();
    },
  });
}
