/** Writes of several parts that belong together, and whether all parts of all of them are there. */
import { expect } from "vitest";
import { chainBreak } from "../../src/core/chain.ts";
import type { Ledger } from "../../src/core/ledger.ts";
import { act, key, revision } from "../support/ledger.ts";

/** The number of the revision that it made. @param tag Name of the act. */
export function write(ledger: Ledger, tag = ""): Promise<number> {
  return ledger.write(async (tx) => {
    const head = await tx.head();
    const name = `r${head.revision % 5}`;
    const before = (await tx.route(name))?.doc;
    const after = { n: head.revision + 1, text: "x".repeat(2_000) };
    const { number } = await tx.addRevision(revision({ cause: "update", changes: [{ name, before, after }] }));
    await tx.putKey(key(`k${number}`));
    await tx.addAudit(act(tag, { revision: number }));
    await tx.setNote("newest", `${number}`);
    return number;
  });
}

/** Fails unless every write is there whole; gives the number of them. */
export async function consistent(ledger: Ledger): Promise<number> {
  const { revision: newest, keysVersion } = await ledger.head();
  const numbers = Array.from({ length: newest }, (_, n) => n + 1);
  const revisions = await ledger.revisionsAfter(0, 100_000);
  expect(revisions.map(({ number }) => number)).toEqual(numbers);
  expect(revisions.map(({ changes }) => changes[0]!.after!["n"])).toEqual(numbers);
  const acts = await ledger.auditAfter(0, 100_000);
  expect(acts.map((one) => one.revision)).toEqual(numbers);
  expect(chainBreak(acts)).toBeUndefined();
  expect(await ledger.keys()).toHaveLength(newest);
  expect(keysVersion).toBe(newest);
  expect(await ledger.note("newest")).toBe(newest === 0 ? undefined : `${newest}`);
  expect((await ledger.routes()).map(({ revision: of }) => of).sort((a, b) => a - b)).toEqual(numbers.slice(-5));
  return newest;
}
