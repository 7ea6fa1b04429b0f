/** How a place for each kind of ledger is made: a test of a kind that is not here fails. */
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { LedgerSettings } from "../../src/core/ledger.ts";
import { loadStore } from "../../src/registry.ts";
import { clientSuite } from "../e2e/tools.ts";
import { folderOf } from "../support/folder.ts";
import type { LedgerPlace } from "../support/ledger.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";

/** What is the same for all kinds. */
const SETTINGS: LedgerSettings = {
  path: "",
  url: "",
  pollMs: undefined,
  create: true,
  failed: (error) => {
    throw error;
  },
};

/** Where a kind keeps its ledgers. */
export interface Places {
  /** Whether several ledgers can be open at one place. */
  readonly shared: boolean;
  /** Makes tests of what makes an empty place, which they call within a test. */
  suite(tests: (newPlace: () => Promise<LedgerPlace>) => void): void;
}

export const PLACES: Readonly<Record<string, Places>> = {
  memory: { shared: false, suite: (tests) => tests(memoryPlace) },
  sqlite: { shared: true, suite: (tests) => tests(sqlitePlace) },
  postgres: {
    shared: true,
    suite: (tests) => postgresSuite("the ledger postgres", (server) => tests(() => postgresPlace(server()))),
  },
};

export const memoryPlace = async (): Promise<LedgerPlace> => placeOf("memory", {});

export const sqlitePlace = async (): Promise<LedgerPlace> =>
  placeOf("sqlite", { path: join(folderOf(), "polygate.db") });

export const postgresPlace = async (server: Postgres): Promise<LedgerPlace> =>
  placeOf("postgres", { url: await server.newDatabase() });

/** A place with these settings. */
export function placeOf(kind: string, own: Partial<LedgerSettings>): LedgerPlace {
  return { open: async (over) => (await loadStore(kind)).openLedger!({ ...SETTINGS, ...own, ...over }) };
}

/** Tests with a server of their own, left out where PostgreSQL is missing. */
export function postgresSuite(name: string, tests: (server: () => Postgres) => void): void {
  clientSuite("PostgreSQL", name, (program) => {
    let server: Postgres;
    beforeAll(async () => {
      server = await startPostgres(program);
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    tests(() => server);
  });
}
