/** Gateways of two versions on one store. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import type { Ledger } from "../../src/core/ledger.ts";
import { ledgerContract } from "../contract/ledger.ts";
import { placeOf, postgresSuite } from "../contract/ledger-places.ts";
import { folderOf } from "../support/folder.ts";
import { type LedgerPlace, opened } from "../support/ledger.ts";
import { write } from "./consistent.ts";

/** What the next version may do, as the rule in `src/sql/migrations.ts` says. */
const NEXT = `
  alter table polygate_keys add column team text;
  alter table polygate_audit add column region text not null default 'here';
  create table polygate_next (id integer primary key, name text not null);
  update polygate_schema set version = version + 1`;

type Change = (sql: string) => Promise<void>;

async function sqlite(): Promise<{ place: LedgerPlace; change: Change }> {
  const path = join(folderOf(), "polygate.db");
  const place = placeOf("sqlite", { path });
  await (await place.open()).close();
  return {
    place,
    async change(sql) {
      const db = new DatabaseSync(path);
      db.exec(sql);
      db.close();
    },
  };
}

/** A running gateway, and one that starts, while others bring the tables on by one version and by two. */
async function upgrades(place: LedgerPlace, change: Change): Promise<void> {
  const running: Ledger = await opened(place);
  expect(await write(running)).toBe(1);
  await change(NEXT);
  expect(await write(running)).toBe(2);
  const started = await opened(place);
  expect(await write(started)).toBe(3);
  await change("update polygate_schema set version = version + 1");
  const words = /schema 3 of a newer gateway, and this one bears at most 2; upgrade this gateway/;
  await expect(write(running)).rejects.toThrow(words);
  await expect(place.open()).rejects.toThrow(words);
  expect((await running.head()).revision).toBe(3);
}

const nextSqlite = async () => {
  const { place, change } = await sqlite();
  await change(NEXT);
  return place;
};
ledgerContract("sqlite", nextSqlite, true);

it("goes on with tables one version newer in SQLite, and refuses those two versions newer", async () => {
  const { place, change } = await sqlite();
  await upgrades(place, change);
});

postgresSuite("one version newer in PostgreSQL", (server) => {
  const postgres = async () => {
    const url = await server().newDatabase();
    const place = placeOf("postgres", { url });
    await (await place.open()).close();
    const change: Change = async (sql) => void (await server().ask(sql, new URL(url).pathname.slice(1)));
    return { place, change };
  };
  const next = async () => {
    const { place, change } = await postgres();
    await change(NEXT);
    return place;
  };
  ledgerContract("postgres", next, true);

  it("goes on with tables one version newer, and refuses those two versions newer", async () => {
    const { place, change } = await postgres();
    await upgrades(place, change);
  });
});
