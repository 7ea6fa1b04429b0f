/** What a ledger is held to that several processes may have open. */
import { describe, expect, it } from "vitest";
import { chainBreak } from "../../src/core/chain.ts";
import type { LedgerSettings, LedgerWrites } from "../../src/core/ledger.ts";
import { act, everything, key, type LedgerPlace, opened, revision, snapshot, until } from "../support/ledger.ts";

/** @param newPlace Makes an empty one; called within a test. */
export function sharedContract(kind: string, newPlace: () => Promise<LedgerPlace>): void {
  describe(`the ledger ${kind}, which is shared,`, () => {
    const two = async (settings: Partial<LedgerSettings> = {}) => {
      const place = await newPlace();
      return [await opened(place, settings), await opened(place, settings)] as const;
    };

    it("has the same records for all, and after all have closed it", async () => {
      const place = await newPlace();
      const one = await place.open();
      const other = await place.open();
      await one.write((tx) => everything(tx, 1));
      await other.write((tx) => everything(tx, 2));
      const seen = await snapshot(one);
      expect(await snapshot(other)).toEqual(seen);
      await one.close();
      await other.close();
      expect(await snapshot(await opened(place))).toEqual(seen);
    });

    it("gives numbers without gaps over all who write", async () => {
      const both = await two();
      await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          both[n % 2]!.write(async (tx) => {
            const { number } = await tx.addRevision(revision({ changes: [] }));
            await tx.addAudit(act("x", { revision: number }));
          }),
        ),
      );
      const acts = await both[0].auditAfter(0, 100);
      expect(acts.map((one) => one.revision)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
      expect(chainBreak(acts)).toBeUndefined();
    });

    it("tells of what another wrote", async () => {
      const both = await two({ pollMs: 20 });
      const writes: readonly ((tx: LedgerWrites) => Promise<unknown>)[] = [
        (tx) => tx.addRevision(revision()),
        (tx) => tx.putKey(key("a")),
        (tx) => tx.setNote("a", "1"),
        (tx) => tx.addAudit(act("a")),
      ];
      for (const write of writes) {
        let told = 0;
        const stop = both[0].onChange(() => void told++);
        await both[1].write(write);
        await until(() => told > 0, 2_000);
        stop();
      }
    });

    it("is made once when several open it at the same time", async () => {
      const place = await newPlace();
      const ledgers = await Promise.all(Array.from({ length: 4 }, () => opened(place)));
      await Promise.all(ledgers.map((ledger) => ledger.write((tx) => tx.addRevision(revision({ changes: [] })))));
      expect((await ledgers[3]!.head()).revision).toBe(4);
    });
  });
}
