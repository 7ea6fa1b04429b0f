import { expect, it } from "vitest";
import { refusal } from "../../test/support/admin.ts";
import { openLedger } from "../stores/memory/ledger.ts";
import { openSeals, reseal } from "./open-seals.ts";
import { isSealed, newSealingKey, readSealingKey, type SealingKey, seal, unseal } from "./seals.ts";

const only = (current: SealingKey, ...former: SealingKey[]) => ({ current, former });
const memory = () => openLedger({ failed: () => {} });

it("opens what it sealed, and seals the same text otherwise each time", () => {
  const key = newSealingKey();
  const [one, two] = [seal(key, "grüße"), seal(key, "grüße")];
  expect([one, two].map((text) => unseal(only(key), text))).toEqual(["grüße", "grüße"]);
  expect(one).not.toBe(two);
  expect(one.startsWith(`sealed:v1:${key.id}:`)).toBe(true);
  expect([isSealed(one), isSealed("grüße")]).toEqual([true, false]);
});

it("opens what a former key sealed, and nothing of other keys or that was changed", () => {
  const [old, key] = [newSealingKey(), newSealingKey()];
  const sealed = seal(old, "text");
  expect(unseal(only(key, old), sealed)).toBe("text");
  expect(() => unseal(only(key), sealed)).toThrow(refusal("STORE_UNAVAILABLE", old.id) as Error);
  const changed = sealed.slice(0, -6) + (sealed.endsWith("A") ? "B" : "A").repeat(6);
  expect(() => unseal(only(old), changed)).toThrow(refusal("STORE_UNAVAILABLE", "changed") as Error);
});

it("reads a key in base64, base64url and hexadecimal digits, and nothing shorter", () => {
  const { bytes, id } = newSealingKey();
  for (const form of ["base64", "base64url", "hex"] as const)
    expect(readSealingKey(`${bytes.toString(form)}\n`)?.id).toBe(id);
  for (const text of ["", "secret", bytes.subarray(1).toString("hex")]) expect(readSealingKey(text)).toBeUndefined();
});

it("masks a secret alike for as long as its ledger lives, and another one otherwise", async () => {
  const [ledger, key] = [await memory(), newSealingKey()];
  const [first, again] = [await openSeals(ledger, only(key)), await openSeals(ledger, only(key))];
  const other = await openSeals(await memory(), only(key));
  expect(first.mask("a")).toBe(again.mask("a"));
  expect(first.mask("a")).not.toBe(first.mask("b"));
  expect(first.mask("a")).not.toBe(other.mask("a"));
  expect(first.pepper.equals(again.pepper)).toBe(true);
  expect(first.pepper.equals(other.pepper)).toBe(false);
});

it("of a ledger that another key sealed are not opened, which says which key is needed", async () => {
  const [ledger, key] = [await memory(), newSealingKey()];
  await openSeals(ledger, only(key));
  for (const keys of [undefined, only(newSealingKey())])
    await expect(openSeals(ledger, keys)).rejects.toEqual(refusal("STORE_UNAVAILABLE", "encryption_key", key.id));
});

it("are made anew with a new key, after which the old one is not needed", async () => {
  const [ledger, old, key] = [await memory(), newSealingKey(), newSealingKey()];
  const before = await openSeals(ledger, only(old));
  const doc = { name: "a", model: { config: { api_key: before.seal("secret") } } };
  await ledger.write((tx) =>
    tx.addRevision({
      at: 0,
      author: "",
      cause: "create",
      reason: "",
      file: "",
      restores: 0,
      changes: [{ name: "a", after: doc }],
    }),
  );
  expect(await reseal(ledger, only(key, old))).toBe(4);
  const after = await openSeals(ledger, only(key));
  const { doc: sealed } = (await ledger.route("a"))!;
  expect(after.open((sealed["model"] as { config: { api_key: string } }).config.api_key)).toBe("secret");
  expect(after.mask("x")).toBe(before.mask("x"));
  await expect(reseal(ledger, only(old))).rejects.toEqual(refusal("STORE_UNAVAILABLE", key.id));
});
