/** Ledgers for tests, and what is written to them. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
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

/** A stage of any sort. */
export const STAGE: StageRecord = {
  revision: 2,
  parent: 1,
  percent: 10,
  marginPercent: 5,
  windowMs: 60_000,
  minCalls: 20,
};
/** Letters that some store may not like: NUL, half of a surrogate pair, quotes, beyond the BMP. */
export const ODD = "a\0b\ud800c'\"\\%_\u2028😀é";

/** Resolves when `holds` does; fails after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It did not come to hold within ${ms} ms.`);
    await delay(5);
  }
}

/** What is thrown when the store fails. */
export const unavailable: unknown = expect.objectContaining({
  fault: expect.objectContaining({ reason: "STORE_UNAVAILABLE" }),
});

/** A ledger that is closed when the test is over. */
export async function opened(place: LedgerPlace, settings: Partial<LedgerSettings> = {}): Promise<Ledger> {
  const ledger = await place.open(settings);
  onTestFinished(() => ledger.close());
  return ledger;
}

/** Writes something of every sort. */
export async function everything(tx: LedgerWrites, n: number): Promise<void> {
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
export async function snapshot(
  reads: Pick<Ledger, "head" | "routes" | "revisionsAfter" | "keys" | "auditAfter" | "notes">,
) {
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
