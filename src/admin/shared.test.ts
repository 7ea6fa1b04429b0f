import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { adminUnderTest, audit, chat, made, openOf, revisions, routes } from "../../test/support/admin.ts";
import { folderOf } from "../../test/support/folder.ts";
import { openLedger } from "../stores/sqlite/ledger.ts";
import { newSealingKey } from "./seals.ts";

/** Two admin APIs over one file, each with a connection of its own, as two processes have them. */
async function twoGateways() {
  const path = join(folderOf(), "polygate.db");
  const keys = { current: newSealingKey(), former: [] };
  const open = async () => {
    const failed = (error: unknown) => {
      throw error;
    };
    const ledger = await openLedger({ path, url: "", pollMs: 20, create: true, failed });
    onTestFinished(() => ledger.close());
    return adminUnderTest({ ledger, keys });
  };
  return [await open(), await open()] as const;
}

it("two gateways on one file lose no write, have one winner for each etag, and agree on all of it", async () => {
  const [one, two] = await twoGateways();
  await made(one, chat("a"));
  const wins: string[] = [];
  const writer = async (id: number) => {
    const admin = id % 2 === 0 ? one : two;
    for (;;) {
      const { etag } = (await admin.ask(routes.getRoute, { name: "a" })).route!;
      try {
        await admin.ask(routes.updateRoute, { route: { name: "a", labels: { [`w${id}`]: "x" } }, etag });
        wins.push(etag);
        return;
      } catch (error) {
        expect(error).toMatchObject({ fault: { reason: "STALE_ETAG" } });
      }
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, id) => writer(id)));
  expect(new Set(wins).size).toBe(12);
  const labels = async (admin: typeof one) => Object.keys((await openOf(admin, "a"))["labels"] as object).length;
  expect([await labels(one), await labels(two)]).toEqual([12, 12]);
  expect(await two.ask(audit.verifyAuditEvents, {})).toMatchObject({ brokenSequence: 0n });
}, 60_000);

it("a watcher of one gateway is told what another one does, in order and without a gap", async () => {
  const [one, two] = await twoGateways();
  const stop = new AbortController();
  const seen: bigint[] = [];
  const writing = (async () => {
    for (let at = 0; at < 10; at++) await made(one, chat(`r${at}`));
    await one.ask(revisions.rollbackRevision, { number: 5n });
  })();
  for await (const { revision } of two.watch(routes.watchRoutes, { afterRevision: 0n }, stop.signal)) {
    seen.push(revision!.number);
    if (seen.length === 11) stop.abort();
  }
  await writing;
  expect(seen).toEqual(Array.from({ length: 11 }, (_, index) => BigInt(index + 1)));
  const { routes: left } = await two.ask(routes.listRoutes, {});
  expect(left.map(({ name }) => name)).toEqual(["r0", "r1", "r2", "r3", "r4"]);
}, 60_000);
