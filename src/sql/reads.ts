import type { JsonObject } from "../core/json.ts";
import type {
  AuditRecord,
  KeyRecord,
  LedgerHead,
  LedgerReads,
  PageQuestion,
  RevisionRecord,
  RouteChange,
  RouteRecord,
  StageRecord,
} from "../core/ledger.ts";
import type { ChangeRow, Database, HeadRow } from "./schema.ts";

/** Rows in one statement: each has a few parameters, and SQLite takes 32 766 of them. */
export const BATCH = 500;

/** Reads of a ledger's tables. Each answer is of one time: one statement, or rows that never change. */
export function sqlReads(db: () => Database): LedgerReads {
  return {
    async head() {
      return headOf(await db().selectFrom("polygate_head").select(HEAD).executeTakeFirstOrThrow());
    },
    routes: (at) => routes(db(), { at }),
    route: async (name) => (await routes(db(), { name }))[0],
    async revision(number) {
      const rows = await db().selectFrom("polygate_revisions").select(REVISION).where("number", "=", number).execute();
      return (await withChanges(db(), rows))[0];
    },
    async revisions({ before, limit }: PageQuestion, route) {
      let query = db().selectFrom("polygate_revisions").select(REVISION).orderBy("number", "desc").limit(limit);
      if (before !== undefined) query = query.where("number", "<", before);
      if (route !== undefined)
        query = query.where("number", "in", (from) =>
          from.selectFrom("polygate_changes").select("revision").where("name", "=", route),
        );
      return withChanges(db(), await query.execute());
    },
    async revisionsAfter(number, limit) {
      const after = db().selectFrom("polygate_revisions").select(REVISION).where("number", ">", number);
      return withChanges(db(), await after.orderBy("number").limit(limit).execute());
    },
    async keys() {
      const rows = await db().selectFrom("polygate_keys").select(["id", "record"]).execute();
      return rows.map(keyOf).sort((a, b) => order(a.id, b.id));
    },
    async key(id) {
      const row = await db()
        .selectFrom("polygate_keys")
        .select(["id", "record"])
        .where("id", "=", id)
        .executeTakeFirst();
      return row && keyOf(row);
    },
    async audit({ before, limit }) {
      let query = db().selectFrom("polygate_audit").select(AUDIT).orderBy("sequence", "desc").limit(limit);
      if (before !== undefined) query = query.where("sequence", "<", before);
      return (await query.execute()).map(auditOf);
    },
    async auditAfter(sequence, limit) {
      const after = db().selectFrom("polygate_audit").select(AUDIT).where("sequence", ">", sequence);
      return (await after.orderBy("sequence").limit(limit).execute()).map(auditOf);
    },
    async note(name) {
      const row = await db().selectFrom("polygate_notes").select("value").where("name", "=", name).executeTakeFirst();
      return row && (JSON.parse(row.value) as string);
    },
    async notes() {
      const rows = await db().selectFrom("polygate_notes").select(["name", "value"]).execute();
      return new Map(rows.map(({ name, value }) => [name, JSON.parse(value) as string]));
    },
  };
}

/** Columns of the head. */
export const HEAD = ["id", "revision", "keys_version", "stage_version", "stage", "writes"] as const;
const REVISION = ["number", "record"] as const;
const AUDIT = ["sequence", "hash", "record"] as const;

/** What the row says. */
export function headOf(row: HeadRow): LedgerHead {
  return {
    revision: row.revision,
    keysVersion: row.keys_version,
    stageVersion: row.stage_version,
    stage: row.stage === null ? undefined : (JSON.parse(row.stage) as StageRecord),
  };
}

/** What is in a route version's `record`. */
export type VersionRecord = Pick<RouteRecord, "etag" | "createdAt" | "updatedAt" | "author">;

async function routes(db: Database, asked: { at?: number | undefined; name?: string }): Promise<RouteRecord[]> {
  const { at, name } = asked;
  let query = db
    .selectFrom("polygate_route_versions as version")
    .innerJoin("polygate_changes as change", (join) =>
      join.onRef("change.revision", "=", "version.revision").onRef("change.name", "=", "version.name"),
    )
    .select(["version.name", "version.revision", "version.record", "change.after"]);
  if (name !== undefined) query = query.where("version.name", "=", name);
  if (at === undefined) query = query.where("version.until", "is", null);
  else
    query = query
      .where("version.revision", "<=", at)
      .where((is) => is.or([is("version.until", "is", null), is("version.until", ">", at)]));
  const rows = await query.execute();
  return rows
    .map((row) => {
      const { etag, createdAt, updatedAt, author } = JSON.parse(row.record) as VersionRecord;
      return {
        name: row.name,
        doc: JSON.parse(row.after!) as JsonObject,
        etag,
        revision: row.revision,
        createdAt,
        updatedAt,
        author,
      };
    })
    .sort((a, b) => order(a.name, b.name));
}

async function withChanges(
  db: Database,
  rows: readonly { readonly number: number; readonly record: string }[],
): Promise<RevisionRecord[]> {
  const changes = new Map<number, RouteChange[]>(rows.map(({ number }) => [number, []]));
  for (let from = 0; from < rows.length; from += BATCH) {
    const numbers = rows.slice(from, from + BATCH).map(({ number }) => number);
    const found = await db
      .selectFrom("polygate_changes")
      .select(["revision", "name", "before", "after"])
      .where("revision", "in", numbers)
      .execute();
    for (const row of found) changes.get(row.revision)!.push(changeOf(row));
  }
  return rows.map(({ number, record }) => ({
    ...(JSON.parse(record) as Omit<RevisionRecord, "number" | "changes">),
    number,
    changes: changes.get(number)!.sort((a, b) => order(a.name, b.name)),
  }));
}

function changeOf({ name, before, after }: ChangeRow): RouteChange {
  return {
    name,
    before: before === null ? undefined : (JSON.parse(before) as JsonObject),
    after: after === null ? undefined : (JSON.parse(after) as JsonObject),
  };
}

function keyOf({ id, record }: { readonly id: string; readonly record: string }): KeyRecord {
  return { ...(JSON.parse(record) as KeyRecord), id };
}

function auditOf({ sequence, hash, record }: { sequence: number; hash: string; record: string }): AuditRecord {
  return { ...(JSON.parse(record) as AuditRecord), sequence, hash };
}

/** Of names, by their UTF-16 units: databases sort texts each in its own way. */
export function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
