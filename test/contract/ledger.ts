/** What every ledger is held to, whatever keeps it. */
import { describe, expect, it } from "vitest";
import {
  everything,
  key,
  type LedgerPlace,
  opened,
  revision,
  snapshot,
  unavailable,
  until,
} from "../support/ledger.ts";
import { recordsContract } from "./ledger-records.ts";
import { sharedContract } from "./ledger-shared.ts";

/**
 * @param newPlace Makes an empty one; called within a test.
 * @param shared Whether several ledgers can be open at one place, as in several processes.
 */
export function ledgerContract(kind: string, newPlace: () => Promise<LedgerPlace>, shared: boolean): void {
  recordsContract(kind, newPlace);
  if (shared) sharedContract(kind, newPlace);
  const open = async () => opened(await newPlace());

  describe(`the ledger ${kind}`, () => {
    it("is called like its folder, can be written, and is empty at first", async () => {
      const ledger = await open();
      expect(ledger.kind).toBe(kind);
      expect(ledger.writable).toBe(true);
      expect(await ledger.head()).toEqual({ revision: 0, keysVersion: 0, stageVersion: 0, stage: undefined });
      expect(await ledger.routes()).toEqual([]);
      expect(await ledger.routes(7)).toEqual([]);
      expect(await ledger.route("chat")).toBeUndefined();
      expect(await ledger.revision(1)).toBeUndefined();
      expect(await ledger.revisions({ limit: 10 })).toEqual([]);
      expect(await ledger.revisionsAfter(0, 10)).toEqual([]);
      expect(await ledger.keys()).toEqual([]);
      expect(await ledger.key("k")).toBeUndefined();
      expect(await ledger.audit({ limit: 10 })).toEqual([]);
      expect(await ledger.auditAfter(0, 10)).toEqual([]);
      expect(await ledger.notes()).toEqual(new Map());
      expect(await ledger.note("seal.check")).toBeUndefined();
    });

    it("gives revisions numbers without gaps in the order in which 50 parallel writers commit", async () => {
      const ledger = await open();
      const committed: number[] = [];
      await Promise.all(
        Array.from({ length: 50 }, async (_, n) => {
          const made = await ledger.write((tx) =>
            tx.addRevision(revision({ at: n, changes: [{ name: `r${n}`, after: { n } }] })),
          );
          committed.push(made.number);
        }),
      );
      const numbers = Array.from({ length: 50 }, (_, n) => n + 1);
      expect(committed).toEqual(numbers);
      expect((await ledger.revisionsAfter(0, 100)).map(({ number }) => number)).toEqual(numbers);
      expect((await ledger.head()).revision).toBe(50);
      expect(await ledger.routes()).toHaveLength(50);
    });

    it("lets exactly one of 50 parallel writers win who compare before they write", async () => {
      const ledger = await open();
      await ledger.write((tx) => tx.addRevision(revision()));
      const { etag } = (await ledger.route("chat"))!;
      const done = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) =>
          ledger.write(async (tx) => {
            const now = await tx.route("chat");
            if (now!.etag !== etag) throw new Error("stale");
            return tx.addRevision(
              revision({ cause: "update", changes: [{ name: "chat", before: now!.doc, after: { n } }] }),
            );
          }),
        ),
      );
      expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(await ledger.head()).toMatchObject({ revision: 2 });
    });

    it("undoes everything when what it ran throws, and throws that on", async () => {
      const ledger = await open();
      await ledger.write((tx) => everything(tx, 1));
      const before = await snapshot(ledger);
      const thrown = new Error("enough");
      const failing = ledger.write(async (tx) => {
        await everything(tx, 2);
        await tx.reseal((sealed) => `${sealed}!`);
        throw thrown;
      });
      await expect(failing).rejects.toBe(thrown);
      expect(await snapshot(ledger)).toEqual(before);
      await ledger.write((tx) => everything(tx, 2));
      expect((await ledger.head()).revision).toBe(2);
      expect((await ledger.audit({ limit: 1 }))[0]!.sequence).toBe(2);
    });

    it("shows a transaction its own writes, and nobody else before all are there", async () => {
      const ledger = await open();
      await ledger.write((tx) => everything(tx, 1));
      const before = await snapshot(ledger);
      const within = await ledger.write(async (tx) => {
        await everything(tx, 2);
        expect(await snapshot(ledger)).toEqual(before);
        return snapshot(tx);
      });
      expect(within).not.toEqual(before);
      expect(await snapshot(ledger)).toEqual(within);
    });

    it("has no use for a transaction that is over", async () => {
      const ledger = await open();
      const tx = await ledger.write(async (one) => one);
      await expect(tx.setNote("late", "x")).rejects.toEqual(unavailable);
      expect(await ledger.note("late")).toBeUndefined();
    });

    it("gives what it has as copies", async () => {
      const ledger = await open();
      const doc = { deep: { v: 1 } };
      await ledger.write((tx) => tx.addRevision(revision({ changes: [{ name: "a", after: doc }] })));
      doc.deep.v = 2;
      const read = (await ledger.route("a"))!.doc as typeof doc;
      expect(read).toEqual({ deep: { v: 1 } });
      read.deep.v = 3;
      expect((await ledger.route("a"))!.doc).toEqual({ deep: { v: 1 } });
    });

    it("tells listeners of its own changes, and no more once they stop", async () => {
      const ledger = await open();
      let one = 0;
      let two = 0;
      const stop = ledger.onChange(() => void one++);
      ledger.onChange(() => void two++);
      await ledger.write((tx) => tx.setNote("a", "1"));
      await until(() => one > 0 && two > 0, 500);
      stop();
      stop();
      const [then, before] = [one, two];
      await ledger.write((tx) => tx.setNote("a", "2"));
      await until(() => two > before, 500);
      expect(one).toBe(then);
    });

    it("goes on when a listener throws, and tells of it", async () => {
      const told: unknown[] = [];
      const ledger = await opened(await newPlace(), { failed: (error) => told.push(error) });
      const thrown = new Error("deaf");
      ledger.onChange(() => {
        throw thrown;
      });
      let calls = 0;
      ledger.onChange(() => void calls++);
      await ledger.write((tx) => tx.putKey(key("a")));
      await until(() => calls > 0 && told.length > 0, 500);
      expect(told[0]).toBe(thrown);
    });

    it("ends the writes that are under way when it is closed, and refuses what comes then", async () => {
      const ledger = await (await newPlace()).open();
      const writing = ledger.write((tx) => tx.addRevision(revision()));
      await ledger.close();
      await ledger.close();
      expect(await writing).toMatchObject({ number: 1 });
      await expect(ledger.head()).rejects.toEqual(unavailable);
      await expect(ledger.write(async () => 1)).rejects.toEqual(unavailable);
    });
  });
}
