import type { Store } from "../../core/store.ts";
import { openLedger } from "./ledger.ts";

/** A ledger in a PostgreSQL database, 12 or later, which many gateways may share. */
export const store: Store = { kind: "postgres", openLedger };
