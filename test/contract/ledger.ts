/** What every ledger is held to, whatever keeps it. */
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { CHAIN_START, chainBreak, etagOf } from "../../src/core/chain.ts";
import type {
  AuditRecord,
  KeyRecord,
  Ledger,
  LedgerSettings,
  LedgerWrites,
  RevisionRecord,
  StageRecord,
} from "../../src/core/ledger.ts";

/** Somewhere that a ledger can be kept. */
export interface LedgerPlace {
  /** Opens the ledger; of a kind that is shared, each has the same records. */
  open(settings?: Partial<LedgerSettings>): Promise<Ledger>;
}

/** A revision that creates routes of these names. */
export function revision(over: Partial<RevisionRecord> = {}): Omit<RevisionRecord, "number"> {
  return {
    at: 1_000,
    author: "ann",
    cause: "create",
    reason: "",
    file: "",
    restores: 0,
    changes: [{ name: "chat", after: { name: "chat", labels: { a: "1" } } }],
    ...over,
  };
}

/** A key of this id. */
export function key(id: string, over: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id,
    name: `key ${id}`,
    prefix: `pg_${id}`,
    hash: "aGFzaA==",
    tenant: "t",
    team: "",
    user: "",
    application: "",
    grants: [{ realm: "inference", operations: ["*"], routes: ["chat-*"] }],
    description: "",
    createdAt: 1_000,
    author: "ann",
    expiresAt: undefined,
    revokedAt: undefined,
    replacedBy: "",
    etag: "e",
    ...over,
  };
}

/** An act of this resource. */
export function act(resource: string, over: Partial<AuditRecord> = {}): Omit<AuditRecord, "sequence" | "hash"> {
  return {
    at: 1_000,
    actor: "ann",
    keyId: "k",
    action: "polygate.admin.v1.RouteAdminService/CreateRoute",
    resource,
    outcome: "OK",
    before: undefined,
    after: { name: resource },
    remote: "127.0.0.1",
    requestId: "r",
    revision: 0,
    ...over,
  };
}

const STAGE: StageRecord = { revision: 2, parent: 1, percent: 10, marginPercent: 5, windowMs: 60_000, minCalls: 20 };
/** Letters that some store may not like: NUL, half of a surrogate pair, quotes, beyond the BMP. */
const ODD = "a\0b\ud800c'\"\\%_\u2028😀é";

/** Resolves when `holds` does; fails after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It did not come to hold within ${ms} ms.`);
    await delay(5);
  }
}

/**
 * @param newPlace Makes an empty one; called within a test.
 * @param shared Whether several ledgers can be open at one place, as in several processes.
 */
export function ledgerContract(kind: string, newPlace: () => Promise<LedgerPlace>, shared: boolean): void {
  const opened = async (place: LedgerPlace, settings: Partial<LedgerSettings> = {}) => {
    const ledger = await place.open(settings);
    onTestFinished(() => ledger.close());
    return ledger;
  };
  const open = async () => opened(await newPlace());
  const unavailable = expect.objectContaining({ fault: expect.objectContaining({ reason: "STORE_UNAVAILABLE" }) });
  const names = async (ledger: Ledger, at?: number) => (await ledger.routes(at)).map(({ name }) => name);

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

  if (!shared) return;
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

/** Writes something of every sort. */
async function everything(tx: LedgerWrites, n: number): Promise<void> {
  const { number } = await tx.addRevision(
    revision({
      changes: [
        { name: "chat", after: { n, key: "sealed:v1:x" } },
        { name: `r${n}`, after: {} },
      ],
    }),
  );
  await tx.putKey(key(`k${n}`));
  await tx.addAudit(act("chat", { revision: number }));
  await tx.setStage({ ...STAGE, percent: n });
  await tx.setNote("n", `${n}`);
}

/** All that can be read. */
async function snapshot(reads: Pick<Ledger, "head" | "routes" | "revisionsAfter" | "keys" | "auditAfter" | "notes">) {
  return {
    head: await reads.head(),
    routes: await reads.routes(),
    first: await reads.routes(1),
    revisions: await reads.revisionsAfter(0, 1_000),
    keys: await reads.keys(),
    acts: await reads.auditAfter(0, 1_000),
    notes: await reads.notes(),
  };
}
