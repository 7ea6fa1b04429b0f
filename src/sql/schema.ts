import type { Kysely, Transaction } from "kysely";

/**
 * The tables of a ledger in a database. Numbers that are asked for are columns; everything else of a record is in one text of
 * JSON, so that each kind of database gives back what was written: every letter, NUL and halves of pairs too, and members that
 * only a newer version knows.
 */
export interface Tables {
  /** One row. */
  readonly polygate_schema: { readonly id: number; readonly version: number };
  /** One row. */
  readonly polygate_head: HeadRow;
  readonly polygate_revisions: { readonly number: number; readonly record: string };
  /** What a revision did to a route; docs in JSON. */
  readonly polygate_changes: ChangeRow;
  /** Temporal: a route from `revision` until the revision `until` changed it; its doc is `after` of the former's change. */
  readonly polygate_route_versions: {
    readonly name: string;
    readonly revision: number;
    /** `null`: it is so now. */
    readonly until: number | null;
    readonly record: string;
  };
  readonly polygate_keys: { readonly id: string; readonly record: string };
  readonly polygate_audit: { readonly sequence: number; readonly hash: string; readonly record: string };
  /** Values in JSON. */
  readonly polygate_notes: { readonly name: string; readonly value: string };
}

export interface HeadRow {
  readonly id: number;
  readonly revision: number;
  readonly keys_version: number;
  readonly stage_version: number;
  /** In JSON; `null`: there is none. */
  readonly stage: string | null;
  /** Counts transactions that wrote something. */
  readonly writes: number;
}

export interface ChangeRow {
  readonly revision: number;
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A database, or a transaction in it. */
export type Database = Kysely<Tables> | Transaction<Tables>;
