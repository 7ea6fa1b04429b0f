import type { Kinds } from "../config/load.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Tools } from "../core/provider.ts";
import type { Seals } from "./seals.ts";
import type { AdminSite } from "./site.ts";

/** What the admin API is made of. */
export interface AdminParts {
  readonly ledger: Ledger;
  /** The same for what the gateway notes by itself, such as whom it refused: a write makes no store. Absent: `ledger`. */
  readonly own?: Ledger;
  /** Of that ledger; see `openSeals`. */
  readonly seals: Seals;
  /** Whose settings hold which secrets. */
  readonly kinds: Kinds;
  readonly site: AdminSite;
  readonly tools: Pick<Tools, "clock" | "wallNow" | "random">;
  /** Told of what fails where nobody waits for it, such as an audit event that could not be written. */
  readonly failed: (error: unknown) => void;
}
