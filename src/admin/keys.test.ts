import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { type CreateKeyRequestSchema, KeyState, Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { adminUnderTest, keyMethods as methods } from "../../test/support/admin.ts";
import { grantOf, principalOf } from "../core/grants.ts";
import { Ring } from "../keyring.ts";
import { ringKeysOf } from "./key-records.ts";

const CHAT = { realm: Realm.INFERENCE, operations: ["chat"], routes: ["team-*"] };
const HOUR = 3_600_000;
type Init = MessageInitShape<typeof CreateKeyRequestSchema>;

async function open() {
  const admin = await adminUnderTest();
  const { ask, ledger, parts } = admin;
  const ringAt = async (now = parts.tools.wallNow()) => {
    const ring = new Ring();
    ring.replace({ keys: ringKeysOf(await ledger.keys(), now), pepper: parts.seals.pepper.toString("base64") });
    return ring;
  };
  return {
    ...admin,
    make: (over: Init = {}) => ask(methods.createKey, { name: "ann", scopes: [CHAT], ...over }),
    /** Whose key this is by the store. */
    knows: async (key: string, now?: number) => (await ringAt(now)).find(key)?.name,
    acts: async () =>
      (await ledger.audit({ limit: 100 })).map(({ action, outcome }) => `${action.split("/")[1]} ${outcome}`),
  };
}

describe("a key that is made", () => {
  it("is shown once, opens what its scopes say, and is kept as a hash alone", async () => {
    const { make, ask, ledger, parts, knows } = await open();
    const owner = { tenant: "acme", team: "search", user: "ann", application: "bot" };
    const { key, secret } = await make({
      owner,
      description: "For the bot.",
      expireTime: timestampFromMs(1_900_000_000_000),
    });
    expect(secret).toMatch(/^pg_[a-z2-7]{12}_[\w-]{43}$/);
    expect(key).toMatchObject({
      id: secret.slice(3, 15),
      prefix: secret.slice(0, 15),
      name: "ann",
      owner,
      state: KeyState.ACTIVE,
    });
    expect(key).toMatchObject({ scopes: [CHAT], description: "For the bot.", author: "anonymous", replacedBy: "" });
    expect(timestampMs(key!.expireTime!)).toBe(1_900_000_000_000);
    expect((await ask(methods.getKey, { id: key!.id })).key).toEqual(key);
    expect(await knows(secret)).toBe("ann");
    const kept = JSON.stringify([await ledger.keys(), await ledger.audit({ limit: 9 }), [...(await ledger.notes())]]);
    expect(kept).toContain(key!.id);
    expect(kept).not.toContain(secret.slice(16));
    expect(kept).not.toContain(parts.seals.pepper.toString("base64"));
  });

  it("is only looked at with validate_only", async () => {
    const { make, ledger } = await open();
    const { key, secret } = await make({ validateOnly: true });
    expect([key!.id, key!.name, secret]).toEqual(["", "ann", ""]);
    expect(await ledger.keys()).toEqual([]);
    await expect(make({ validateOnly: true, scopes: [] })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID" },
    });
  });

  it.each<[string, Init, string]>([
    [
      "with words of another realm",
      { scopes: [{ realm: Realm.INFERENCE, operations: ["chat", "keys.write"] }] },
      "scopes[0].operations[1]",
    ],
    ["that is over already", { expireTime: timestampFromMs(1_000) }, "expire_time"],
    ["with a name that no log can show", { name: "a b" }, "name"],
  ])("is refused %s", async (_, over, field) => {
    const { make, ledger, acts } = await open();
    await expect(make(over)).rejects.toMatchObject({ fault: { reason: "FIELD_INVALID", param: field } });
    expect(await ledger.keys()).toEqual([]);
    expect(await acts()).toEqual(["CreateKey FIELD_INVALID"]);
  });

  it("has no more scopes than the key that makes it", async () => {
    const { ask, ledger, acts } = await open();
    const keysOnly = grantOf("admin", ["keys.write"], []);
    const team = principalOf("lead", "abc", [keysOnly, grantOf("inference", ["chat"], ["team-*"])]);
    const make = (scope: NonNullable<Init["scopes"]>[number]) =>
      ask(methods.createKey, { name: "bot", scopes: [scope] }, team).then(
        ({ key }) => key!.author,
        (error) => error.fault.reason,
      );
    expect(await make({ ...CHAT, routes: ["team-a", "team-b-*"] })).toBe("lead");
    expect(await make({ ...CHAT, routes: ["*"] })).toBe("CALLER_FORBIDDEN");
    expect(await make({ ...CHAT, operations: [] })).toBe("CALLER_FORBIDDEN");
    expect(await make({ realm: Realm.ADMIN, operations: ["routes.read"] })).toBe("CALLER_FORBIDDEN");
    expect(await make({ realm: Realm.ADMIN, operations: ["keys.write"] })).toBe("lead");
    expect(await ledger.keys()).toHaveLength(2);
    expect((await acts()).filter((act) => act === "CreateKey CALLER_FORBIDDEN")).toHaveLength(3);
  });

  it("is made by none who may not make keys", async () => {
    const { ask, acts } = await open();
    const reader = principalOf("reader", "", [grantOf("admin", ["keys.read"], [])]);
    await expect(ask(methods.createKey, { name: "bot", scopes: [CHAT] }, reader)).rejects.toMatchObject({
      fault: { reason: "CALLER_FORBIDDEN" },
    });
    expect(await acts()).toEqual(["CreateKey CALLER_FORBIDDEN"]);
  });
});

describe("a key that is rotated", () => {
  it("goes on for the overlap beside the one that takes its place", async () => {
    const { make, ask, knows, parts } = await open();
    const old = await make();
    const { key, secret, replaced } = await ask(methods.rotateKey, { id: old.key!.id, overlap: durationFromMs(HOUR) });
    expect(key).toMatchObject({ name: "ann", scopes: [CHAT], state: KeyState.ACTIVE });
    expect(key!.expireTime).toBeUndefined();
    expect(replaced).toMatchObject({ id: old.key!.id, replacedBy: key!.id, state: KeyState.ACTIVE });
    const ends = timestampMs(replaced!.expireTime!);
    expect(ends - timestampMs(key!.createTime!)).toBe(HOUR);
    expect([await knows(old.secret), await knows(secret)]).toEqual(["ann", "ann"]);
    expect(await knows(old.secret, ends)).toBeUndefined();
    expect(parts.tools.wallNow()).toBeLessThan(ends);
    expect(replaced!.etag).not.toBe(old.key!.etag);
  });

  it("goes on for a day when nobody says, and not at all with 0 s", async () => {
    const { make, ask, knows } = await open();
    const [first, second] = [await make(), await make()];
    const day = await ask(methods.rotateKey, { id: first.key!.id });
    expect(timestampMs(day.replaced!.expireTime!) - timestampMs(day.key!.createTime!)).toBe(24 * HOUR);
    await ask(methods.rotateKey, { id: second.key!.id, overlap: durationFromMs(0) });
    expect(await knows(second.secret)).toBeUndefined();
  });

  it("is not prolonged by it, and the new one lives as long as it was to live", async () => {
    const { make, ask, parts } = await open();
    const old = await make({ expireTime: timestampFromMs(parts.tools.wallNow() + HOUR) });
    const { key, replaced } = await ask(methods.rotateKey, { id: old.key!.id });
    expect(replaced!.expireTime).toEqual(old.key!.expireTime);
    const life = (one: typeof key) => timestampMs(one!.expireTime!) - timestampMs(one!.createTime!);
    expect(life(key)).toBe(life(old.key));
  });

  it("is rotated once, while it is good, by whoever read it last", async () => {
    const { make, ask } = await open();
    const reason = (id: string, etag = "") =>
      ask(methods.rotateKey, { id, etag }).then(
        () => "ok",
        (error) => error.fault.reason,
      );
    const [one, two] = [await make(), await make()];
    expect(await reason(one.key!.id, "stale")).toBe("STALE_ETAG");
    expect(await reason(one.key!.id, one.key!.etag)).toBe("ok");
    expect(await reason(one.key!.id)).toBe("RESOURCE_OWNED");
    await ask(methods.revokeKey, { id: two.key!.id });
    expect(await reason(two.key!.id)).toBe("RESOURCE_OWNED");
    expect(await reason("aaaaaaaaaaaa")).toBe("RESOURCE_UNKNOWN");
  });

  it("is neither rotated nor revoked by one who has less", async () => {
    const { make, ask, knows } = await open();
    const { key, secret } = await make({ scopes: [{ realm: Realm.ADMIN }] });
    const lead = principalOf("lead", "", [grantOf("admin", ["keys.write"], []), grantOf("inference", [], [])]);
    for (const method of [methods.rotateKey, methods.revokeKey])
      await expect(ask(method, { id: key!.id }, lead)).rejects.toMatchObject({ fault: { reason: "CALLER_FORBIDDEN" } });
    expect(await knows(secret)).toBe("ann");
  });
});

describe("a key that is revoked", () => {
  it("opens nothing, and stays in the list", async () => {
    const { make, ask, knows, acts } = await open();
    const { key, secret } = await make();
    await expect(ask(methods.revokeKey, { id: key!.id, etag: "stale" })).rejects.toMatchObject({
      fault: { reason: "STALE_ETAG" },
    });
    expect(await knows(secret)).toBe("ann");
    const revoked = await ask(methods.revokeKey, { id: key!.id, etag: key!.etag });
    expect(revoked.key!.state).toBe(KeyState.REVOKED);
    expect(await knows(secret)).toBeUndefined();
    expect((await ask(methods.revokeKey, { id: key!.id })).key).toEqual(revoked.key);
    expect((await ask(methods.listKeys, {})).keys).toEqual([revoked.key]);
    expect(await acts()).toEqual(["RevokeKey ok", "RevokeKey ok", "RevokeKey STALE_ETAG", "CreateKey ok"]);
  });
});

describe("keys are listed", () => {
  it("the newest first, page by page, by a filter", async () => {
    const { make, ask } = await open();
    for (const name of ["a", "b", "c"]) await make({ name, owner: { team: name === "b" ? "blue" : "red" } });
    const first = await ask(methods.listKeys, { pageSize: 2 });
    const second = await ask(methods.listKeys, { pageSize: 2, pageToken: first.nextPageToken });
    expect([first, second].map(({ keys }) => keys.map(({ name }) => name))).toEqual([["c", "b"], ["a"]]);
    expect(second.nextPageToken).toBe("");
    const red = await ask(methods.listKeys, { filter: "owner.team = red AND state = ACTIVE" });
    expect(red.keys.map(({ name }) => name)).toEqual(["c", "a"]);
    await expect(ask(methods.listKeys, { filter: "hash = x" })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID" },
    });
  });
});
