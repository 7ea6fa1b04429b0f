import type { Kysely } from "kysely";
import { errors } from "../core/errors.ts";
import type { Database, Tables } from "./schema.ts";

/** Brings the tables from the version of its place in the list to the next. Runs in a transaction with all that come with it. */
export type Migration = (db: Database) => Promise<void>;

/**
 * Every migration, in order; the schema's version is how many ran. A list that only grows.
 *
 * A gateway must be able to read and write what the next version's gateway made, so that replicas are upgraded one by one and an
 * upgrade can be taken back. So a migration may add tables, and columns that are nullable or have a default. What is no longer of use
 * is taken away by the migration after the one whose gateway stopped using it. Of a record that an older gateway writes anew, members
 * that it does not know may be lost; a newer one must bear that.
 */
export const MIGRATIONS: readonly Migration[] = [first];

/** What a kind of database does its own way while its tables are made. */
export interface MigrationPlace {
  readonly writes: Kysely<Tables>;
  /** Waits, in a transaction, until no other gateway writes. */
  lock(tx: Database): Promise<void>;
  /** Whether there is a table `polygate_schema`. */
  hasSchema(db: Database): Promise<boolean>;
}

/** Brings the tables up to date; reads only, where they are. Several gateways may do so at once. */
export async function migrate(place: MigrationPlace, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  if ((await versionNow(place, place.writes, migrations)) >= migrations.length) return;
  await place.writes.transaction().execute(async (tx) => {
    await place.lock(tx);
    // Another gateway may have been first.
    const version = await versionNow(place, tx, migrations);
    if (version >= migrations.length) return;
    for (const migration of migrations.slice(version)) await migration(tx);
    await tx.updateTable("polygate_schema").set({ version: migrations.length }).execute();
  });
}

/** Throws STORE_UNAVAILABLE when the tables are those of a gateway that is more than one version newer. */
export function refuseNewer(version: number, known: number = MIGRATIONS.length): void {
  if (version <= known + 1) return;
  throw errors.storeUnavailable(
    `The store has the schema ${version} of a newer gateway, and this one bears at most ${known + 1}; upgrade this gateway.`,
  );
}

async function versionNow(place: MigrationPlace, db: Database, { length }: readonly Migration[]): Promise<number> {
  if (!(await place.hasSchema(db))) return 0;
  const { version } = await db.selectFrom("polygate_schema").select("version").executeTakeFirstOrThrow();
  refuseNewer(version, length);
  return version;
}

async function first(db: Database): Promise<void> {
  const { schema } = db;
  await schema
    .createTable("polygate_schema")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("version", "integer", (column) => column.notNull())
    .execute();
  await db.insertInto("polygate_schema").values({ id: 1, version: 0 }).execute();
  await schema
    .createTable("polygate_head")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("revision", "integer", (column) => column.notNull())
    .addColumn("keys_version", "integer", (column) => column.notNull())
    .addColumn("stage_version", "integer", (column) => column.notNull())
    .addColumn("stage", "text")
    .addColumn("writes", "integer", (column) => column.notNull())
    .execute();
  await db
    .insertInto("polygate_head")
    .values({ id: 1, revision: 0, keys_version: 0, stage_version: 0, stage: null, writes: 0 })
    .execute();
  await schema
    .createTable("polygate_revisions")
    .addColumn("number", "integer", (column) => column.primaryKey())
    .addColumn("record", "text", (column) => column.notNull())
    .execute();
  await schema
    .createTable("polygate_changes")
    .addColumn("revision", "integer", (column) => column.notNull().references("polygate_revisions.number"))
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("before", "text")
    .addColumn("after", "text")
    .addPrimaryKeyConstraint("polygate_changes_key", ["revision", "name"])
    .execute();
  await schema.createIndex("polygate_changes_name").on("polygate_changes").columns(["name", "revision"]).execute();
  await schema
    .createTable("polygate_route_versions")
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("revision", "integer", (column) => column.notNull())
    .addColumn("until", "integer")
    .addColumn("record", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("polygate_route_versions_key", ["name", "revision"])
    .addForeignKeyConstraint("polygate_route_versions_doc", ["revision", "name"], "polygate_changes", [
      "revision",
      "name",
    ])
    .execute();
  await schema.createIndex("polygate_route_versions_until").on("polygate_route_versions").column("until").execute();
  await schema
    .createTable("polygate_keys")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("record", "text", (column) => column.notNull())
    .execute();
  await schema
    .createTable("polygate_audit")
    .addColumn("sequence", "integer", (column) => column.primaryKey())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("record", "text", (column) => column.notNull())
    .execute();
  await schema
    .createTable("polygate_notes")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
}
