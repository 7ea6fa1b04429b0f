import type { Kysely } from "kysely";
import { errors } from "../core/errors.ts";
import type { Ledger } from "../core/ledger.ts";
import { migrate, refuseNewer } from "./migrations.ts";
import { HEAD, sqlReads } from "./reads.ts";
import type { Database, Tables } from "./schema.ts";
import { Turns } from "./turns.ts";
import type { Watch } from "./watch.ts";
import { SqlWrites } from "./writes.ts";

/** Longest wait of a write for those of the same process before it. */
const PATIENCE_MS = 10_000;

/**
 * What a kind of database brings. Its driver throws STORE_UNAVAILABLE for whatever fails, in bounded time, and commits nothing of a
 * transaction in which a statement failed.
 */
export interface SqlPlace {
  readonly kind: string;
  /** Does not see what a transaction of `writes` has not committed. */
  readonly reads: Kysely<Tables>;
  /** One transaction at a time is asked of it. */
  readonly writes: Kysely<Tables>;
  /** In a transaction: waits until no other gateway writes, and keeps all from writing until its end. */
  lock(tx: Database): Promise<void>;
  /** Whether there is a table `polygate_schema`. */
  hasSchema(db: Database): Promise<boolean>;
  /** In a transaction: tells other gateways of it at its commit. */
  notify?(tx: Database): Promise<void>;
  readonly watch: Watch;
  close(): Promise<void>;
}

/** A ledger in a database; its tables are made or brought up to date. */
export async function openSqlLedger(place: SqlPlace): Promise<Ledger> {
  try {
    await migrate(place);
  } catch (error) {
    await place.close();
    throw error;
  }
  const turns = new Turns();
  let closed: Promise<void> | undefined;
  const open = () => {
    if (closed) throw errors.storeUnavailable("The store is closed.");
  };

  return {
    ...sqlReads(() => {
      open();
      return place.reads;
    }),
    kind: place.kind,
    writable: true,
    async write(act) {
      open();
      const end = await turns.take(PATIENCE_MS);
      try {
        const { result, changed } = await place.writes.transaction().execute(async (tx) => {
          await place.lock(tx);
          const { version, ...head } = await tx
            .selectFrom(["polygate_head", "polygate_schema"])
            .select(HEAD.map((column) => `polygate_head.${column}` as const))
            .select("polygate_schema.version")
            .executeTakeFirstOrThrow();
          refuseNewer(version);
          const writes = new SqlWrites(tx, head);
          try {
            const result = await act(writes.tx);
            const changed = await writes.end();
            if (changed) await place.notify?.(tx);
            return { result, changed };
          } finally {
            writes.abandon();
          }
        });
        if (changed) place.watch.told();
        return result;
      } finally {
        end();
      }
    },
    onChange: (listener) => place.watch.on(listener),
    close() {
      closed ??= turns.take().then(async () => {
        place.watch.close();
        await place.close();
      });
      return closed;
    },
  };
}
