/** What a ledger keeps, and how it is read again. */
import { describe, expect, it } from "vitest";
import { CHAIN_START, chainBreak, etagOf } from "../../src/core/chain.ts";
import type { AuditRecord, Ledger, RevisionRecord } from "../../src/core/ledger.ts";
import { act, key, type LedgerPlace, ODD, opened, revision, STAGE } from "../support/ledger.ts";

/** @param newPlace Makes an empty one; called within a test. */
export function recordsContract(kind: string, newPlace: () => Promise<LedgerPlace>): void {
  const open = async () => opened(await newPlace());
  const names = async (ledger: Ledger, at?: number) => (await ledger.routes(at)).map(({ name }) => name);

  describe(`records of the ledger ${kind}`, () => {
    it("keeps a revision as it was given, with changes in the order of names", async () => {
      const ledger = await open();
      const changes = [
        { name: "b", before: { x: [1, 2.5, null, { y: true }] }, after: undefined },
        { name: "a", after: { text: ODD } },
      ];
      const given = revision({
        at: 1_763_000_000_123,
        author: ODD,
        reason: ODD,
        cause: "rollback",
        file: "sha256:1",
        restores: 3,
        changes,
      });
      const made = await ledger.write((tx) => tx.addRevision(given));
      expect(made).toEqual({ ...given, number: 1, changes: [changes[1], changes[0]] });
      expect(await ledger.revision(1)).toEqual(made);
    });

    it("makes a revision's changes the state of the routes, and says who changed each when", async () => {
      const ledger = await open();
      const add = (over: Partial<RevisionRecord>) => ledger.write((tx) => tx.addRevision(revision(over)));
      await add({
        at: 10,
        changes: [
          { name: "b", after: { v: 1 } },
          { name: "a", after: { v: 1 } },
        ],
      });
      await add({
        at: 20,
        author: "bob",
        cause: "update",
        changes: [{ name: "a", before: { v: 1 }, after: { v: 2 } }],
      });
      await add({ at: 30, cause: "delete", changes: [{ name: "b", before: { v: 1 } }] });
      await add({ at: 40, author: "cy", changes: [{ name: "b", after: { v: 4 } }] });
      expect(await ledger.routes()).toEqual([
        {
          name: "a",
          doc: { v: 2 },
          etag: etagOf(2, "a", { v: 2 }),
          revision: 2,
          createdAt: 10,
          updatedAt: 20,
          author: "bob",
        },
        {
          name: "b",
          doc: { v: 4 },
          etag: etagOf(4, "b", { v: 4 }),
          revision: 4,
          createdAt: 40,
          updatedAt: 40,
          author: "cy",
        },
      ]);
      expect(await ledger.route("b")).toEqual((await ledger.routes())[1]);
    });

    it("tells the routes as they were at any revision, exactly", async () => {
      const ledger = await open();
      const add = (over: Partial<RevisionRecord>) => ledger.write((tx) => tx.addRevision(revision(over)));
      await add({ at: 10, changes: [{ name: "a", after: { v: 1 } }] });
      await add({
        at: 20,
        changes: [
          { name: "a", before: { v: 1 }, after: { v: 2 } },
          { name: "b", after: { v: 2 } },
        ],
      });
      const then = await ledger.routes();
      await add({ at: 30, changes: [{ name: "a", before: { v: 2 } }] });
      await add({ at: 40, changes: [{ name: "a", after: { v: 4 } }] });
      expect(await ledger.routes(0)).toEqual([]);
      expect((await ledger.routes(1)).map(({ doc }) => doc)).toEqual([{ v: 1 }]);
      expect(await ledger.routes(2)).toEqual(then);
      expect(await names(ledger, 3)).toEqual(["b"]);
      expect(await names(ledger, 4)).toEqual(["a", "b"]);
      expect(await ledger.routes(99)).toEqual(await ledger.routes());
    });

    it("keeps the file's revisions, and their routes out of its own", async () => {
      const ledger = await open();
      await ledger.write((tx) => tx.addRevision(revision({ cause: "file", file: "sha256:0" })));
      expect(await ledger.routes()).toEqual([]);
      expect(await ledger.revision(1)).toMatchObject({ cause: "file", changes: [{ name: "chat" }] });
      expect((await ledger.head()).revision).toBe(1);
      await ledger.write((tx) => tx.addRevision(revision({ changes: [{ name: "mine", after: {} }] })));
      expect(await names(ledger)).toEqual(["mine"]);
      expect(await names(ledger, 1)).toEqual([]);
    });

    it("takes a revision without changes", async () => {
      const ledger = await open();
      expect(await ledger.write((tx) => tx.addRevision(revision({ changes: [] })))).toMatchObject({ number: 1 });
      expect(await ledger.revision(1)).toMatchObject({ number: 1, changes: [] });
    });

    it("keeps keys as they were given, replaces them by id, and counts their changes", async () => {
      const ledger = await open();
      const first = key("a", { name: ODD, expiresAt: 5, grants: [] });
      await ledger.write(async (tx) => {
        await tx.putKey(key("b"));
        await tx.putKey(first);
      });
      expect(await ledger.keys()).toEqual([first, key("b")]);
      const { keysVersion } = await ledger.head();
      expect(keysVersion).toBeGreaterThan(0);
      await ledger.write((tx) => tx.putKey(key("b", { revokedAt: 9, replacedBy: "a", etag: "f" })));
      expect(await ledger.key("b")).toEqual(key("b", { revokedAt: 9, replacedBy: "a", etag: "f" }));
      expect(await ledger.keys()).toHaveLength(2);
      expect((await ledger.head()).keysVersion).toBeGreaterThan(keysVersion);
      expect((await ledger.head()).revision).toBe(0);
    });

    it("numbers and chains acts, so that a change of one is found", async () => {
      const ledger = await open();
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          ledger.write((tx) => tx.addAudit(act(`routes/${n}`, { remote: ODD, before: { [ODD]: [n, 0.1, 1e21] } }))),
        ),
      );
      const made = await ledger.write((tx) => tx.addAudit(act("last", { after: undefined })));
      const acts = await ledger.auditAfter(0, 100);
      expect(acts.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 21 }, (_, n) => n + 1));
      expect(acts.at(-1)).toEqual(made);
      expect(acts[0]).toEqual({
        ...act(acts[0]!.resource, { remote: ODD, before: acts[0]!.before! }),
        sequence: 1,
        hash: acts[0]!.hash,
      });
      expect(chainBreak(acts, CHAIN_START)).toBeUndefined();
      expect(chainBreak(acts.map((one) => (one.sequence === 7 ? { ...one, outcome: "refused" } : one)))).toBe(7);
    });

    it("pages revisions and acts both ways, and finds the revisions of a route", async () => {
      const ledger = await open();
      await ledger.write(async (tx) => {
        for (let n = 1; n <= 7; n++) {
          const name = n % 3 === 0 ? "third" : "other";
          await tx.addRevision(revision({ cause: n === 6 ? "file" : "update", changes: [{ name, after: { n } }] }));
          await tx.addAudit(act(name));
        }
      });
      const numbers = (found: readonly RevisionRecord[]) => found.map(({ number }) => number);
      const sequences = (found: readonly AuditRecord[]) => found.map(({ sequence }) => sequence);
      expect(numbers(await ledger.revisions({ limit: 3 }))).toEqual([7, 6, 5]);
      expect(numbers(await ledger.revisions({ limit: 3, before: 5 }))).toEqual([4, 3, 2]);
      expect(numbers(await ledger.revisions({ limit: 3, before: 2 }))).toEqual([1]);
      expect(numbers(await ledger.revisions({ limit: 3, before: 1 }))).toEqual([]);
      expect(numbers(await ledger.revisions({ limit: 9 }, "third"))).toEqual([6, 3]);
      expect(numbers(await ledger.revisions({ limit: 1, before: 6 }, "third"))).toEqual([3]);
      expect(numbers(await ledger.revisions({ limit: 9 }, "nobody"))).toEqual([]);
      expect(numbers(await ledger.revisionsAfter(4, 2))).toEqual([5, 6]);
      expect(numbers(await ledger.revisionsAfter(7, 2))).toEqual([]);
      expect((await ledger.revisions({ limit: 1 }))[0]).toEqual(await ledger.revision(7));
      expect(sequences(await ledger.audit({ limit: 2 }))).toEqual([7, 6]);
      expect(sequences(await ledger.audit({ limit: 2, before: 6 }))).toEqual([5, 4]);
      expect(sequences(await ledger.auditAfter(5, 9))).toEqual([6, 7]);
    });

    it("keeps notes until they are taken away", async () => {
      const ledger = await open();
      await ledger.write(async (tx) => {
        await tx.setNote("b", ODD);
        await tx.setNote("a", "");
        await tx.setNote("a", "1");
      });
      expect(await ledger.notes()).toEqual(
        new Map([
          ["a", "1"],
          ["b", ODD],
        ]),
      );
      expect(await ledger.note("a")).toBe("1");
      await ledger.write((tx) => tx.setNote("a", undefined));
      expect(await ledger.note("a")).toBeUndefined();
      expect((await ledger.notes()).size).toBe(1);
    });

    it("keeps a stage until it is taken away, and counts its changes", async () => {
      const ledger = await open();
      await ledger.write((tx) => tx.setStage(STAGE));
      const one = await ledger.head();
      expect(one.stage).toEqual(STAGE);
      await ledger.write((tx) => tx.setStage({ ...STAGE, percent: 50 }));
      const two = await ledger.head();
      expect(two.stage).toEqual({ ...STAGE, percent: 50 });
      await ledger.write((tx) => tx.setStage(undefined));
      const three = await ledger.head();
      expect(three.stage).toBeUndefined();
      expect([one, two, three].map(({ stageVersion }) => stageVersion)).toEqual([1, 2, 3]);
    });

    it("seals anew what is sealed in routes, revisions and notes, and touches nothing else", async () => {
      const ledger = await open();
      const doc = { key: "sealed:v1:old:a", list: ["x", { k: "sealed:v1:old:b" }], said: "not sealed:v1:old:c" };
      await ledger.write(async (tx) => {
        await tx.addRevision(revision({ changes: [{ name: "a", after: doc }] }));
        await tx.addRevision(
          revision({ cause: "update", changes: [{ name: "a", before: doc, after: { key: "sealed:v1:old:d" } }] }),
        );
        await tx.addRevision(revision({ cause: "file", changes: [{ name: "f", after: { key: "sealed:v1:old:e" } }] }));
        await tx.setNote("pepper", "sealed:v1:old:f");
        await tx.setNote("plain", "old");
        await tx.addAudit(act("a", { after: { key: "sealed:v1:old:g" } }));
      });
      const { etag } = (await ledger.route("a"))!;
      const anew = (sealed: string) => sealed.replace(":old:", ":new:");
      expect(await ledger.write((tx) => tx.reseal(anew))).toBe(7);
      expect(await ledger.route("a")).toMatchObject({ doc: { key: "sealed:v1:new:d" }, etag });
      const fresh = { key: "sealed:v1:new:a", list: ["x", { k: "sealed:v1:new:b" }], said: "not sealed:v1:old:c" };
      expect((await ledger.routes(1))[0]!.doc).toEqual(fresh);
      expect((await ledger.revision(2))!.changes).toEqual([
        { name: "a", before: fresh, after: { key: "sealed:v1:new:d" } },
      ]);
      expect((await ledger.revision(3))!.changes).toEqual([{ name: "f", after: { key: "sealed:v1:new:e" } }]);
      expect(await ledger.notes()).toEqual(
        new Map([
          ["pepper", "sealed:v1:new:f"],
          ["plain", "old"],
        ]),
      );
      expect(chainBreak(await ledger.auditAfter(0, 9))).toBeUndefined();
    });
  });
}
