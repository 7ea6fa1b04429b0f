/** How a place for each kind of ledger is made: a test of a kind that is not here fails. */
import { join } from "node:path";
import type { LedgerSettings } from "../../src/core/ledger.ts";
import { loadStore } from "../../src/registry.ts";
import { folderOf } from "../support/folder.ts";
import type { LedgerPlace } from "../support/ledger.ts";

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
  /** Makes an empty place; called within a test. */
  newPlace(): Promise<LedgerPlace>;
  /** Whether several ledgers can be open at one place. */
  readonly shared: boolean;
}

export const PLACES: Readonly<Record<string, Places>> = {
  memory: { shared: false, newPlace: async () => placeOf("memory", {}) },
  sqlite: { shared: true, newPlace: async () => placeOf("sqlite", { path: join(folderOf(), "polygate.db") }) },
};

/** A place with these settings. */
export function placeOf(kind: string, own: Partial<LedgerSettings>): LedgerPlace {
  return { open: async (over) => (await loadStore(kind)).openLedger!({ ...SETTINGS, ...own, ...over }) };
}
