import { expect, it } from "vitest";
import { CHAIN_START, canonicalJson, chainBreak, chainHash, etagOf } from "./chain.ts";
import type { AuditRecord } from "./ledger.ts";

const act = (sequence: number, over: Partial<AuditRecord> = {}): Omit<AuditRecord, "hash"> => ({
  sequence,
  at: 1000 + sequence,
  actor: "ann",
  keyId: "k1",
  action: "RouteAdminService/CreateRoute",
  resource: "routes/a",
  outcome: "OK",
  before: undefined,
  after: { name: "a" },
  remote: "127.0.0.1",
  requestId: "r",
  revision: 1,
  ...over,
});

function chainOf(...records: Omit<AuditRecord, "hash">[]): AuditRecord[] {
  let hash = CHAIN_START;
  return records.map((record) => {
    hash = chainHash(hash, record);
    return { ...record, hash };
  });
}

it("writes the same value as the same text, whatever the order of its members", () => {
  expect(canonicalJson({ b: [1, { d: null, c: "é\0" }], a: undefined, A: true })).toBe(
    '{"A":true,"b":[1,{"c":"é\\u0000","d":null}]}',
  );
  expect(canonicalJson({ a: 1, b: { x: 1, y: 2 } })).toBe(canonicalJson({ b: { y: 2, x: 1 }, a: 1 }));
});

it("is SHA-256 over the hash before and the record, as documented", () => {
  // Python: sha256(("\n" + json.dumps(record, sort_keys=True, separators=(",", ":"))).encode())
  expect(chainHash(CHAIN_START, act(1))).toBe("7d527960c728bea00f2cfbfc2338c4c7f3f4e9c00ca011125e99fd6cda6357fc");
});

it("finds no break in what was written", () => {
  expect(chainBreak([])).toBeUndefined();
  const chain = chainOf(act(1), act(2), act(3));
  expect(chainBreak(chain)).toBeUndefined();
  expect(chainBreak(chain.slice(1), chain[0]!.hash)).toBeUndefined();
});

it.each<[string, (chain: AuditRecord[]) => AuditRecord[], number]>([
  ["changed", (chain) => chain.map((one) => (one.sequence === 2 ? { ...one, actor: "bob" } : one)), 2],
  ["left out", (chain) => chain.filter(({ sequence }) => sequence !== 2), 3],
  [
    "put in anew with a hash of its own",
    (chain) => [chain[0]!, { ...act(2), hash: chainHash("", act(2)) }, chain[2]!],
    2,
  ],
  ["numbered anew", (chain) => [chain[0]!, ...chainOf(act(1), act(3)).slice(1)], 3],
])("finds the record that was %s", (_, bend, at) => {
  expect(chainBreak(bend(chainOf(act(1), act(2), act(3))))).toBe(at);
});

it("gives each revision of a route an etag of its own", () => {
  expect(etagOf(1, "a", {})).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set([etagOf(1, "a", {}), etagOf(2, "a", {}), etagOf(1, "b", {}), etagOf(1, "a", { x: 1 })]).size).toBe(4);
});
