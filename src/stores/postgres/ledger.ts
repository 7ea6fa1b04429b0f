import { randomUUID } from "node:crypto";
import { Kysely, sql } from "kysely";
import { type ClientConfig, Pool } from "pg";
import { errors } from "../../core/errors.ts";
import type { Ledger, LedgerSettings } from "../../core/ledger.ts";
import { openSqlLedger } from "../../sql/ledger.ts";
import type { Tables } from "../../sql/schema.ts";
import { Watch } from "../../sql/watch.ts";
import { postgresDialect } from "./dialect.ts";
import { CHANNEL, Notices } from "./notices.ts";

const POLL_MS = 1_000;
const CONNECT_MS = 2_000;
const CONNECTIONS = 4;

/**
 * A ledger in the database of `url`, whose `sslmode` says how TLS is used: `verify-full`, `no-verify` or `disable` (`require` is read as
 * `verify-full`). A read that fails does so within 5 s. At most five connections; one of them listens for notices.
 */
export async function openLedger({ url, pollMs, failed }: LedgerSettings): Promise<Ledger> {
  const secret = passwordOf(url);
  const client: ClientConfig = { connectionString: url, application_name: "polygate", keepAlive: true };
  const pool = new Pool({
    ...client,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: 60_000,
    allowExitOnIdle: true,
  });
  // What breaks a connection is told to whoever asks on it; with nobody to hear it the process would end. Of one that nobody uses the
  // pool makes another.
  pool.on("connect", (one) => one.on("error", () => undefined));
  pool.on("error", () => undefined);
  const db = new Kysely<Tables>({ dialect: postgresDialect(pool, secret) });
  const own = randomUUID();
  const watch = new Watch({
    look: async () => (await db.selectFrom("polygate_head").select("writes").executeTakeFirstOrThrow()).writes,
    pollMs: pollMs ?? POLL_MS,
    failed,
  });
  let notices: Notices | undefined;
  const ledger = await openSqlLedger({
    kind: "postgres",
    reads: db,
    writes: db,
    async lock() {
      // The transaction has begun with the lock.
    },
    async hasSchema(on) {
      const found = sql<{ there: boolean }>`select to_regclass('polygate_schema') is not null as there`;
      return (await found.execute(on)).rows[0]!.there;
    },
    async notify(tx) {
      await sql`select pg_notify(${CHANNEL}, ${own})`.execute(tx);
    },
    watch,
    async close() {
      notices?.close();
      await pool.end();
    },
  });
  notices = new Notices({
    client: { ...client, connectionTimeoutMillis: CONNECT_MS },
    secret,
    told: (said) => {
      if (said !== own) watch.told();
    },
    failed,
  });
  return ledger;
}

/** Throws STORE_UNAVAILABLE for what is no address of a database. */
function passwordOf(url: string): string {
  try {
    const { protocol, password } = new URL(url);
    if (/^postgres(ql)?:$/.test(protocol)) return decodeURIComponent(password);
  } catch {
    // What is thrown has the address in it.
  }
  throw errors.storeUnavailable("The store's `url` is not like postgres://user:password@host/name.");
}
