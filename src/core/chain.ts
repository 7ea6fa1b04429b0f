import { createHash } from "node:crypto";
import type { Json, JsonObject } from "./json.ts";
import type { AuditRecord } from "./ledger.ts";

/** What stands before the first record of a chain. */
export const CHAIN_START = "";

/**
 * JSON with the members of every object in the order of their UTF-16 units and no white space, so that the same value is the
 * same text wherever it has been meanwhile. Members that are `undefined` are left out. As in RFC 8785, for values that came
 * from JSON.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name]!)}`);
  return `{${members.join(",")}}`;
}

/**
 * The `hash` of a record of the audit log: SHA-256 over the hash before, a line feed and the record without its hash as canonical
 * JSON, in 64 hexadecimal digits. Whoever has the export can work it out again.
 *
 * @param before Hash of the record before; of the first one {@link CHAIN_START}.
 */
export function chainHash(before: string, record: Omit<AuditRecord, "hash">): string {
  const { hash: _, ...rest } = record as AuditRecord;
  return sha256(`${before}\n${canonicalJson(rest as unknown as JsonObject)}`);
}

/**
 * Number of the first record that is not what was written, or does not follow on the one before; `undefined`: all do.
 *
 * @param records The oldest first.
 * @param before Hash of the record before the first of them.
 */
export function chainBreak(records: readonly AuditRecord[], before: string = CHAIN_START): number | undefined {
  let hash = before;
  let next = records[0]?.sequence;
  for (const record of records) {
    if (record.sequence !== next || record.hash !== chainHash(hash, record)) return record.sequence;
    hash = record.hash;
    next++;
  }
  return undefined;
}

/** The `etag` of a route that a revision made: 16 hexadecimal digits, never the same for two revisions of a route. */
export function etagOf(revision: number, name: string, doc: JsonObject): string {
  return sha256(canonicalJson([revision, name, doc])).slice(0, 16);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
