import { CHAIN_START, chainHash, etagOf } from "../core/chain.ts";
import { errors } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { LedgerWrites, RevisionRecord, RouteChange } from "../core/ledger.ts";
import { type Again, resealed, SEALED } from "../core/sealed.ts";
import { BATCH, headOf, order, sqlReads, type VersionRecord } from "./reads.ts";
import type { Database, HeadRow } from "./schema.ts";

/** A transaction's writes. What it does to the head is kept here, and put into the table at its end. */
export class SqlWrites {
  readonly tx: LedgerWrites;
  readonly #db: Database;
  #head: HeadRow;
  #changed = false;
  #over = false;

  /** @param head As it is at the transaction's begin, after which nobody else can change it. */
  constructor(db: Database, head: HeadRow) {
    this.#db = db;
    this.#head = head;
    this.tx = {
      ...sqlReads(() => this.#open()),
      head: async () => this.#open() && headOf(this.#head),
      addRevision: (revision) => this.#addRevision(revision),
      putKey: async (key) => {
        const record = JSON.stringify(key);
        const row = this.#write().insertInto("polygate_keys").values({ id: key.id, record });
        await row.onConflict((known) => known.column("id").doUpdateSet({ record })).execute();
        this.#head = { ...this.#head, keys_version: this.#head.keys_version + 1 };
      },
      addAudit: async (record) => {
        const newest = this.#write().selectFrom("polygate_audit").select(["sequence", "hash"]);
        const last = await newest.orderBy("sequence", "desc").limit(1).executeTakeFirst();
        // As it is read again: JSON leaves out what is undefined.
        const sequence = (last?.sequence ?? 0) + 1;
        const text = JSON.stringify({ ...record, sequence });
        const hash = chainHash(last?.hash ?? CHAIN_START, JSON.parse(text) as typeof record & { sequence: number });
        await this.#db.insertInto("polygate_audit").values({ sequence, hash, record: text }).execute();
        return { ...record, sequence, hash };
      },
      setStage: async (stage) => {
        this.#write();
        const { stage_version } = this.#head;
        this.#head = {
          ...this.#head,
          stage: stage ? JSON.stringify(stage) : null,
          stage_version: stage_version + 1,
        };
      },
      setNote: (name, value) => this.#setNote(name, value),
      reseal: (again) => this.#reseal(again),
    };
  }

  /** After this the transaction can no longer be used. Whether anything was written. */
  async end(): Promise<boolean> {
    this.#over = true;
    if (!this.#changed) return false;
    const { id, ...head } = this.#head;
    await this.#db
      .updateTable("polygate_head")
      .set({ ...head, writes: head.writes + 1 })
      .where("id", "=", id)
      .execute();
    return true;
  }

  /** Without effect on the tables, for a transaction that failed. */
  abandon(): void {
    this.#over = true;
  }

  #open(): Database {
    if (this.#over) throw errors.storeUnavailable("The transaction is over.");
    return this.#db;
  }

  #write(): Database {
    const db = this.#open();
    this.#changed = true;
    return db;
  }

  async #addRevision(revision: Omit<RevisionRecord, "number">): Promise<RevisionRecord> {
    const db = this.#write();
    const number = this.#head.revision + 1;
    const { changes: given, ...rest } = revision;
    const changes = given.toSorted((a, b) => order(a.name, b.name));
    await db
      .insertInto("polygate_revisions")
      .values({ number, record: JSON.stringify(rest) })
      .execute();
    for (const some of batches(changes)) {
      const rows = some.map(({ name, before, after }) => ({
        revision: number,
        name,
        before: textOf(before),
        after: textOf(after),
      }));
      await db.insertInto("polygate_changes").values(rows).execute();
    }
    this.#head = { ...this.#head, revision: number };
    const made = { ...rest, number, changes };
    if (made.cause !== "file") for (const some of batches(changes)) await this.#setRoutes(made, some);
    return made;
  }

  async #setRoutes(revision: RevisionRecord, changes: readonly RouteChange[]): Promise<void> {
    const { number, at, author } = revision;
    const names = changes.map(({ name }) => name);
    const before = await this.#db
      .selectFrom("polygate_route_versions")
      .select(["name", "record"])
      .where("until", "is", null)
      .where("name", "in", names)
      .execute();
    const births = new Map(before.map(({ name, record }) => [name, (JSON.parse(record) as VersionRecord).createdAt]));
    await this.#db
      .updateTable("polygate_route_versions")
      .set({ until: number })
      .where("until", "is", null)
      .where("name", "in", names)
      .execute();
    const rows = changes.flatMap(({ name, after }) => {
      if (after === undefined) return [];
      const etag = etagOf(number, name, after);
      const record: VersionRecord = { etag, createdAt: births.get(name) ?? at, updatedAt: at, author };
      return [{ name, revision: number, until: null, record: JSON.stringify(record) }];
    });
    if (rows.length > 0) await this.#db.insertInto("polygate_route_versions").values(rows).execute();
  }

  async #setNote(name: string, value: string | undefined): Promise<void> {
    const db = this.#write();
    if (value === undefined) {
      await db.deleteFrom("polygate_notes").where("name", "=", name).execute();
      return;
    }
    const text = JSON.stringify(value);
    const row = db.insertInto("polygate_notes").values({ name, value: text });
    await row.onConflict((known) => known.column("name").doUpdateSet({ value: text })).execute();
  }

  async #reseal(again: Again): Promise<number> {
    const db = this.#write();
    let count = 0;
    const anew = (text: string | null) => {
      if (text === null || !text.includes(SEALED)) return text;
      const sealed = resealed(JSON.parse(text) as JsonObject, again);
      count += sealed.count;
      return JSON.stringify(sealed.doc);
    };
    // One revision at a time: all of a long history need not be in memory.
    for (let revision = 1; revision <= this.#head.revision; revision++) {
      const changes = db.selectFrom("polygate_changes").select(["name", "before", "after"]);
      for (const { name, before, after } of await changes.where("revision", "=", revision).execute()) {
        const fresh = { before: anew(before), after: anew(after) };
        if (fresh.before === before && fresh.after === after) continue;
        const change = db.updateTable("polygate_changes").set(fresh);
        await change.where("revision", "=", revision).where("name", "=", name).execute();
      }
    }
    for (const [name, value] of await this.tx.notes()) {
      if (!value.startsWith(SEALED)) continue;
      await this.#setNote(name, again(value));
      count++;
    }
    return count;
  }
}

function textOf(doc: JsonObject | undefined): string | null {
  return doc === undefined ? null : JSON.stringify(doc);
}

function* batches<One>(all: readonly One[]): Generator<readonly One[]> {
  for (let from = 0; from < all.length; from += BATCH) yield all.slice(from, from + BATCH);
}
