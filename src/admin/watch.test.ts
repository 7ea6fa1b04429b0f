import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { WatchRoutesRequestSchema } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { type AdminUnderTest, adminUnderTest, chat, made, refusal, routes } from "../../test/support/admin.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Context } from "./method.ts";
import { newSealingKey } from "./seals.ts";
import { watchRoutes } from "./watch.ts";

/** Reads so many revisions and hangs up. */
async function take(admin: AdminUnderTest, afterRevision: bigint | undefined, count: number): Promise<bigint[]> {
  const stop = new AbortController();
  const seen: bigint[] = [];
  const request = afterRevision === undefined ? {} : { afterRevision };
  for await (const { revision } of admin.watch(routes.watchRoutes, request, stop.signal)) {
    seen.push(revision!.number);
    if (seen.length === count) stop.abort();
  }
  return seen;
}

it("tells the revisions since a number, then each new one, with its changes", async () => {
  const admin = await adminUnderTest();
  for (const name of ["a", "b"]) await made(admin, chat(name));
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { revision } of admin.watch(routes.watchRoutes, { afterRevision: 1n }, stop.signal)) {
    seen.push(`${revision!.number} ${revision!.changes.map(({ route }) => route).join()}`);
    if (seen.length === 1) void made(admin, chat("c"));
    if (seen.length === 2) void admin.ask(routes.deleteRoute, { name: "a" });
    if (seen.length === 3) stop.abort();
  }
  expect(seen).toEqual(["2 b", "3 c", "4 a"]);
});

it("without a number tells only what is still to come, and ends when it is aborted while nothing does", async () => {
  const admin = await adminUnderTest();
  await made(admin, chat("a"));
  const stop = new AbortController();
  const stream = admin.watch(routes.watchRoutes, {}, stop.signal)[Symbol.asyncIterator]();
  const first = stream.next();
  await made(admin, chat("b"));
  expect((await first).value).toMatchObject({ revision: { number: 2n } });
  const second = stream.next();
  stop.abort();
  expect((await second).done).toBe(true);
});

it("loses nothing and repeats nothing for a watcher who comes back to another process with the last number", async () => {
  const keys = { current: newSealingKey(), former: [] };
  let admin = await adminUnderTest({ keys });
  const seen: bigint[] = [];
  const write = async () => {
    for (let at = 0; at < 60; at++) await made(admin, chat(`r${at}`));
  };
  const writing = write();
  while (seen.length < 60) {
    seen.push(...(await take(admin, seen.at(-1) ?? 0n, Math.min(7, 60 - seen.length))));
    admin = await adminUnderTest({ keys, ledger: admin.ledger });
  }
  await writing;
  expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => BigInt(index + 1)));
});

it("reads no more than it is asked for, however many there are", async () => {
  const admin = await adminUnderTest();
  for (let at = 0; at < 50; at++) await made(admin, chat(`r${at}`));
  const read: number[] = [];
  const ledger: Ledger = {
    ...admin.ledger,
    async revisionsAfter(after, limit) {
      const found = await admin.ledger.revisionsAfter(after, limit);
      read.push(found.length);
      return found;
    },
  };
  const stop = new AbortController();
  const context = { permits: () => true } as unknown as Context;
  const request = create(WatchRoutesRequestSchema, { afterRevision: 0n });
  const stream = watchRoutes({ ...admin.parts, ledger }, request, context, stop.signal);
  for (let at = 0; at < 21; at++) await stream.next();
  expect(read).toEqual([20, 20]);
  await stream.return(undefined);
});

it("of a number that there is not yet is refused", async () => {
  const admin = await adminUnderTest();
  await expect(take(admin, 1n, 1)).rejects.toEqual(refusal("FIELD_INVALID", "after_revision"));
});
