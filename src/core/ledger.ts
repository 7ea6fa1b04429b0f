import { errors } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Grant } from "./principal.ts";

/** A route as the store has it. */
export interface RouteRecord {
  readonly name: string;
  /** `polygate.config.v1.Route` in proto3 JSON with proto field names; its secrets are sealed. */
  readonly doc: JsonObject;
  readonly etag: string;
  /** Revision that it is from. */
  readonly revision: number;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Name of who changed it last. */
  readonly author: string;
}

/** What one revision did to one route; both docs sealed, and absent where there was, or is, no such route. */
export interface RouteChange {
  readonly name: string;
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
}

/** What made a revision. */
export type RevisionCause = "file" | "create" | "update" | "delete" | "rollback" | "automatic_rollback";

/** A revision that serves a part of the calls. */
export interface StageRecord {
  readonly revision: number;
  /** The revision whose state serves the rest. */
  readonly parent: number;
  /** 1-99. */
  readonly percent: number;
  readonly marginPercent: number;
  readonly windowMs: number;
  readonly minCalls: number;
}

/** One state of the routes, and how it came to be. Never changed. */
export interface RevisionRecord {
  /** From 1, without gaps. */
  readonly number: number;
  readonly at: number;
  readonly author: string;
  readonly cause: RevisionCause;
  readonly reason: string;
  /** Of the file's routes before sealing is of use: `sha256:` and the digest. Empty: the file had no part in it. */
  readonly file: string;
  /** Of a rollback: the revision whose state it has; else 0. */
  readonly restores: number;
  /** In the order of names. Of a `file` revision: changes of the file's routes. */
  readonly changes: readonly RouteChange[];
}

/** An API key as the store has it. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  /** The key's beginning, for people. */
  readonly prefix: string;
  /** HMAC-SHA-256 of the whole key, in base64. */
  readonly hash: string;
  readonly tenant: string;
  readonly team: string;
  readonly user: string;
  readonly application: string;
  readonly grants: readonly Grant[];
  readonly description: string;
  readonly createdAt: number;
  readonly author: string;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  /** `id` of the key that took its place; empty: none did. */
  readonly replacedBy: string;
  readonly etag: string;
}

/** One admin act, done or refused. */
export interface AuditRecord {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly at: number;
  readonly actor: string;
  readonly keyId: string;
  readonly action: string;
  readonly resource: string;
  readonly outcome: string;
  /** Secrets masked. */
  readonly before: JsonObject | undefined;
  readonly after: JsonObject | undefined;
  readonly remote: string;
  readonly requestId: string;
  /** Revision that it made; 0: none. */
  readonly revision: number;
  /** `chainHash` of the hash before and this record. */
  readonly hash: string;
}

/** Where a ledger stands. Both numbers only grow. */
export interface LedgerHead {
  /** Number of the newest revision; 0: there is none. */
  readonly revision: number;
  /** Counts changes of keys. */
  readonly keysVersion: number;
  /** Counts changes of the stage. */
  readonly stageVersion: number;
  readonly stage: StageRecord | undefined;
}

/** A page of what is listed by falling number. */
export interface PageQuestion {
  /** Only what is older than this number; absent: from the newest. */
  readonly before?: number;
  readonly limit: number;
}

/** What can be read, within a transaction and outside of one. Throws STORE_UNAVAILABLE. */
export interface LedgerReads {
  head(): Promise<LedgerHead>;
  /** Routes of the API, by name. @param at As they were at this revision; absent: at the newest. */
  routes(at?: number): Promise<readonly RouteRecord[]>;
  route(name: string): Promise<RouteRecord | undefined>;
  revision(number: number): Promise<RevisionRecord | undefined>;
  /** The newest first. @param route Only those that changed it. */
  revisions(page: PageQuestion, route?: string): Promise<readonly RevisionRecord[]>;
  /** Those after `number`, the oldest first. */
  revisionsAfter(number: number, limit: number): Promise<readonly RevisionRecord[]>;
  /** Every key, revoked ones too. */
  keys(): Promise<readonly KeyRecord[]>;
  key(id: string): Promise<KeyRecord | undefined>;
  /** The newest first. */
  audit(page: PageQuestion): Promise<readonly AuditRecord[]>;
  /** Those after `sequence`, the oldest first. */
  auditAfter(sequence: number, limit: number): Promise<readonly AuditRecord[]>;
  /** A value that the gateway keeps for itself, such as `seal.check`. */
  note(name: string): Promise<string | undefined>;
  notes(): Promise<ReadonlyMap<string, string>>;
}

/** What a transaction may write. Nothing of it is seen before all of it is. */
export interface LedgerWrites extends LedgerReads {
  /**
   * Adds a revision with the next number and makes its changes the routes' state, those of a `file` revision excepted.
   * A route that is changed keeps its `createdAt`, one that comes back after a removal gets a new one; its `etag` is `etagOf`.
   */
  addRevision(revision: Omit<RevisionRecord, "number">): Promise<RevisionRecord>;
  /** Adds the key, or takes the place of the one with its id. */
  putKey(key: KeyRecord): Promise<void>;
  /** The ledger gives it its number and hash. */
  addAudit(record: Omit<AuditRecord, "sequence" | "hash">): Promise<AuditRecord>;
  setStage(stage: StageRecord | undefined): Promise<void>;
  setNote(name: string, value: string | undefined): Promise<void>;
  /**
   * For a new encryption key: writes each sealed text (one that begins with `SEALED`) in the docs of revisions, which are those
   * of the routes, and in notes anew. How many there were; a text that stands in two revisions counts twice.
   */
  reseal(again: (sealed: string) => string): Promise<number>;
}

/**
 * Where the admin API keeps what it is told. Transactions are serialised over all who share it: numbers are given in the order
 * in which they are committed. Contract: `test/contract/ledger.ts`.
 */
export interface Ledger extends LedgerReads {
  readonly kind: string;
  /** False: `write` throws RESOURCE_OWNED, for there is nothing to keep it in. */
  readonly writable: boolean;
  /**
   * Runs `act` and commits; what it throws undoes everything and is thrown on. Throws STORE_UNAVAILABLE: nothing was changed.
   * One `act` runs at a time, so it must not wait for another `write`; `tx` is of no use after it.
   */
  write<T>(act: (tx: LedgerWrites) => Promise<T>): Promise<T>;
  /**
   * Calls `listener` soon after anybody changed anything, and maybe when nobody did: under 0.5 s by notice, or at the poll interval
   * without one. Returns how to stop.
   */
  onChange(listener: () => void): () => void;
  /** After the writes that are under way. From then on everything throws STORE_UNAVAILABLE. */
  close(): Promise<void>;
}

/**
 * A ledger that can be read and not written: of a gateway without a store, whose own revisions are still kept, by whoever has
 * the ledger itself.
 *
 * @param why What `write` throws as RESOURCE_OWNED, such as "The gateway has no store; set `store` in polygate.yaml."
 */
export function readOnly(ledger: Ledger, why: string): Ledger {
  return {
    kind: ledger.kind,
    writable: false,
    head: () => ledger.head(),
    routes: (at) => ledger.routes(at),
    route: (name) => ledger.route(name),
    revision: (number) => ledger.revision(number),
    revisions: (page, route) => ledger.revisions(page, route),
    revisionsAfter: (number, limit) => ledger.revisionsAfter(number, limit),
    keys: () => ledger.keys(),
    key: (id) => ledger.key(id),
    audit: (page) => ledger.audit(page),
    auditAfter: (sequence, limit) => ledger.auditAfter(sequence, limit),
    note: (name) => ledger.note(name),
    notes: () => ledger.notes(),
    write: () => Promise.reject(errors.resourceOwned(why)),
    onChange: (listener) => ledger.onChange(listener),
    close: () => ledger.close(),
  };
}

/** What a kind of store needs to open its ledger. */
export interface LedgerSettings {
  /** Of `sqlite`: absolute path of the file. */
  readonly path: string;
  /** Of `postgres`. */
  readonly url: string;
  readonly pollMs: number | undefined;
  /** Whether an `sqlite` file that is not there is made; else it is STORE_UNAVAILABLE. */
  readonly create: boolean;
  /** Told of what fails where nobody waits for it. */
  readonly failed: (error: unknown) => void;
}
