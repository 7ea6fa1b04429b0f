import { expect, it } from "vitest";
import { Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { adminUnderTest, keyMethods } from "../../test/support/admin.ts";
import { ADMIN, INFERENCE, principalOf } from "../core/grants.ts";
import type { Grant } from "../core/principal.ts";
import { Ring } from "../keyring.ts";
import { bootstrapKey } from "./bootstrap.ts";
import { ringKeysOf } from "./key-records.ts";

const GIVEN = "an-operator-s-own-key-of-32-letters";

async function open(writable = true) {
  const { ledger: kept, parts, ask } = await adminUnderTest();
  const ledger = writable ? kept : { ...kept, writable };
  const { pepper } = parts.seals;
  const wallNow = () => parts.tools.wallNow();
  const start = (given?: string, fileGrants: readonly (readonly Grant[])[] = []) =>
    bootstrapKey({ ledger, pepper, wallNow, given, fileGrants });
  const find = async (key: string) => {
    const ring = new Ring();
    ring.replace({ keys: ringKeysOf(await kept.keys(), wallNow()), pepper: pepper.toString("base64") });
    return ring.find(key);
  };
  return { ledger: kept, ask, start, find, pepper };
}

it("a gateway without an admin key makes one at its first start, and no other at the next", async () => {
  const { start, find, ledger } = await open();
  const { secret } = await start();
  expect(await find(secret!)).toMatchObject({ name: "bootstrap-admin", grants: [INFERENCE, ADMIN] });
  expect(await start()).toEqual({});
  expect(await ledger.keys()).toHaveLength(1);
  expect((await ledger.audit({ limit: 9 })).map(({ action, actor }) => [action, actor])).toEqual([
    ["bootstrap", "gateway"],
  ]);
});

it("the environment's key becomes the first one, and is not told again", async () => {
  const { start, find, ledger } = await open();
  expect(await start(GIVEN)).toEqual({});
  expect((await find(GIVEN))?.name).toBe("bootstrap-admin");
  expect(JSON.stringify(await ledger.keys())).not.toContain(GIVEN);
  expect(await start("another-key-that-comes-too-late-0123")).toEqual({});
  expect(await ledger.keys()).toHaveLength(1);
});

it("none is made where the file has an admin's key, but one beside callers and readers", async () => {
  const { start, ledger } = await open();
  expect(await start(GIVEN, [[INFERENCE], [ADMIN]])).toEqual({});
  expect(await ledger.keys()).toEqual([]);
  expect((await start(undefined, [[INFERENCE], [{ ...ADMIN, operations: ["routes.read"] }]])).secret).toBeDefined();
});

it("another one is made when the last admin's key was ended", async () => {
  const { start, ask, ledger } = await open();
  const first = await start();
  const [record] = await ledger.keys();
  await ask(keyMethods.createKey, { name: "ann", scopes: [{ realm: Realm.INFERENCE }] });
  await ask(keyMethods.revokeKey, { id: record!.id });
  const second = await start();
  expect(second.secret).toBeDefined();
  expect(second.secret).not.toBe(first.secret);
});

it("a key that was ended does not come back by the environment", async () => {
  const { start, ask, ledger, find } = await open();
  await start(GIVEN);
  await ask(keyMethods.revokeKey, { id: (await ledger.keys())[0]!.id });
  await expect(start(GIVEN)).rejects.toThrow("a key that was ended");
  expect(await find(GIVEN)).toBeUndefined();
});

it("without a store the environment's key is known to the process alone, and none is made", async () => {
  const { start, ledger, pepper } = await open(false);
  expect(await start()).toEqual({});
  const { ringKey } = await start(GIVEN);
  expect(await ledger.keys()).toEqual([]);
  const ring = new Ring();
  ring.replace({ keys: [ringKey!], pepper: pepper.toString("base64") });
  const { name, id, grants } = ring.find(GIVEN)!;
  expect(principalOf(name, id, grants).mayAsk("keys.write")).toBe(true);
});

it("of many that start at once one makes the key", async () => {
  const { start, ledger } = await open();
  const all = await Promise.all(Array.from({ length: 10 }, () => start()));
  expect(all.filter(({ secret }) => secret !== undefined)).toHaveLength(1);
  expect(await ledger.keys()).toHaveLength(1);
});

it.each(["short", "x".repeat(1025), "a1".repeat(20), `${GIVEN} ${GIVEN}`, `${GIVEN}é`])(
  "a text that can be no key is refused: %s",
  async (given) => {
    const { start } = await open();
    const refusal = await start(given).then(
      () => "it was taken",
      (error: Error) => error.message,
    );
    expect(refusal).toContain("POLYGATE_ADMIN_KEY is no key");
    expect(refusal).not.toContain(given);
  },
);
