import type { Store } from "../../core/store.ts";
import { openLedger } from "./ledger.ts";

/** A ledger in one file, by the SQLite that is in Node. Several processes may share the file, on one machine. */
export const store: Store = { kind: "sqlite", openLedger };
