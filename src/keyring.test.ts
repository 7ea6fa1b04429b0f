import { createSecretKey, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { apiKeyHash, apiKeyId, apiKeyOf, KEY_BYTES } from "./core/api-key.ts";
import { INFERENCE } from "./core/grants.ts";
import type { RingKey } from "./core/stored.ts";
import { Ring } from "./keyring.ts";

const PEPPER = randomBytes(32);
const newKey = () => apiKeyOf(randomBytes(KEY_BYTES));
const recordOf = (key: string, over: Partial<RingKey> = {}): RingKey => ({
  id: apiKeyId(key, PEPPER),
  name: "ann",
  hash: apiKeyHash(key, PEPPER).toString("base64"),
  grants: [INFERENCE],
  expiresAt: undefined,
  ...over,
});
const ringOf = (...keys: RingKey[]) => {
  const ring = new Ring();
  ring.replace({ keys, pepper: PEPPER.toString("base64") });
  return ring;
};

describe("a key", () => {
  it("has its id in it, and is another one each time", () => {
    const all = Array.from({ length: 100 }, newKey);
    for (const key of all) {
      expect(key).toMatch(/^pg_[a-z2-7]{12}_[\w-]{43}$/);
      expect(apiKeyId(key, PEPPER)).toBe(key.slice(3, 15));
    }
    expect(new Set(all).size).toBe(100);
    expect(new Set(all.map((key) => apiKeyId(key, PEPPER))).size).toBe(100);
  });

  it("of another form has an id that the pepper gives it", () => {
    const id = apiKeyId("an operator's own key", PEPPER);
    expect(id).toMatch(/^[a-z2-7]{12}$/);
    expect(apiKeyId("an operator's own key", PEPPER)).toBe(id);
    expect(apiKeyId("an operator's own key", randomBytes(32))).not.toBe(id);
    expect(apiKeyId("another operator's key", PEPPER)).not.toBe(id);
  });

  it("has the same id and hash for ever, whatever form the pepper has: stores are full of them", () => {
    const random = Buffer.from(Array.from({ length: KEY_BYTES }, (_, i) => i * 7 + 1));
    expect(apiKeyOf(random)).toBe("pg_aeea6fq5eqvt_OUBHTlVcY2pxeH-GjZSboqmwt77FzNPa4ejv9v0ECxI");
    const bytes = Buffer.alloc(32, 7);
    for (const pepper of [bytes, createSecretKey(bytes)]) {
      expect(apiKeyId("an operator key", pepper)).toBe("7dkjgizxuqpd");
      expect(apiKeyHash("an operator key", pepper).toString("base64")).toBe(
        "W6ZeIGJ5mowmCGdHmpMMN6K0XL1nqSDVUnMUQH4L9NA=",
      );
    }
  });
});

describe("a ring", () => {
  it("knows its keys, whatever their form, and no others", () => {
    const [mine, other] = [newKey(), newKey()];
    const own = "an operator's own key";
    const ring = ringOf(recordOf(mine), recordOf(own, { name: "first" }));
    expect([ring.find(mine)?.name, ring.find(own)?.name]).toEqual(["ann", "first"]);
    for (const key of [other, "", "pg_", `${mine}x`, mine.slice(0, -1), mine.toUpperCase(), `pg_${recordOf(mine).id}_`])
      expect(ring.find(key)).toBeUndefined();
  });

  it("does not take another key with the id of one that it knows", () => {
    const mine = newKey();
    const forged = mine.slice(0, 16) + newKey().slice(16);
    expect(ringOf(recordOf(mine)).find(forged)).toBeUndefined();
  });

  it("knows nobody by a record whose hash is none, or all zeros", () => {
    const mine = newKey();
    for (const hash of ["", "AAAA", Buffer.alloc(32).toString("base64"), Buffer.alloc(64).toString("base64")])
      expect(ringOf(recordOf(mine, { hash })).find(mine)).toBeUndefined();
  });

  it("forgets at once what is not among the keys any more, and says that it is another one", () => {
    const [first, second] = [newKey(), newKey()];
    const ring = new Ring();
    expect([ring.open, ring.version, ring.find(first)]).toEqual([false, 0, undefined]);
    ring.replace({ keys: [recordOf(first)], pepper: PEPPER.toString("base64") });
    expect([ring.open, ring.version, ring.find(first)?.name]).toEqual([true, 1, "ann"]);
    ring.replace({ keys: [recordOf(second)], pepper: PEPPER.toString("base64") });
    expect([ring.version, ring.find(first), ring.find(second)?.name]).toEqual([2, undefined, "ann"]);
  });
});
