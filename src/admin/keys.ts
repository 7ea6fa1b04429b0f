import { randomBytes } from "node:crypto";
import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  type CreateKeyRequest,
  type GetKeyRequest,
  KeyState,
  type ListKeysRequest,
  type RevokeKeyRequest,
  type RotateKeyRequest,
} from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { apiKeyHash, apiKeyId, apiKeyOf, apiKeyPrefix, KEY_BYTES } from "../core/api-key.ts";
import { errors } from "../core/errors.ts";
import type { KeyRecord, LedgerReads } from "../core/ledger.ts";
import { nameOf } from "./audited.ts";
import { readFilter } from "./filter.ts";
import { assertWithin, grantsOf, keyDoc, keyMessage, sealedRecord, stateOf } from "./key-records.ts";
import type { Context, Methods } from "./method.ts";
import { pageOf } from "./paging.ts";
import type { AdminParts } from "./parts.ts";

/** How long a key goes on that another one took the place of, when nobody says. */
const OVERLAP_MS = 24 * 60 * 60 * 1000;

/** Who acts without a key, as the history and the audit log name them: no key may pass for one. */
const RESERVED: ReadonlySet<string> = new Set(["gateway", "file", "anonymous", "bootstrap-admin"]);

/** KeyAdminService: keys are made, listed and ended. What a key is itself is known to nobody but who made it. */
export function keyMethods(parts: AdminParts): Methods {
  const { ledger, site, tools, seals } = parts;

  /** A new key and what is kept of it. */
  function made(draft: Omit<KeyRecord, "id" | "prefix" | "hash" | "revokedAt" | "replacedBy" | "etag">) {
    const secret = apiKeyOf(randomBytes(KEY_BYTES));
    const id = apiKeyId(secret, seals.pepper);
    const hash = apiKeyHash(secret, seals.pepper).toString("base64");
    const own = { id, prefix: apiKeyPrefix(id), hash, revokedAt: undefined, replacedBy: "" };
    return { secret, record: sealedRecord({ ...draft, ...own }) };
  }

  async function createKey(request: CreateKeyRequest, context: Context) {
    const { name, owner, scopes, expireTime, description, validateOnly } = request;
    const now = tools.wallNow();
    const { principal } = context.actor;
    context.note({ resource: "keys" });
    if (RESERVED.has(name))
      throw errors.fieldInvalid([{ field: "name", description: "is what the gateway calls itself; take another" }]);
    const grants = grantsOf(scopes);
    assertWithin(grants, principal.grants, "The key cannot be made");
    const expiresAt = expireTime && timestampMs(expireTime);
    if (expiresAt !== undefined && expiresAt <= now)
      throw errors.fieldInvalid([{ field: "expire_time", description: "is over; want a time to come" }]);
    const { tenant = "", team = "", user = "", application = "" } = owner ?? {};
    const whose = { name, tenant, team, user, application, grants, description };
    const { secret, record } = made({ ...whose, createdAt: now, author: nameOf(principal), expiresAt });
    if (validateOnly) {
      if (!ledger.writable) throw errors.resourceOwned("The gateway has no store to keep a key in.");
      return { key: { ...keyMessage(record, now), id: "", prefix: "", etag: "" }, secret: "" };
    }
    context.note({ resource: `keys/${record.id}`, after: keyDoc(record) });
    await context.write((tx) => tx.putKey(record));
    await site.keysApplied();
    return { key: keyMessage(record, now), secret };
  }

  async function rotateKey({ id, overlap, etag }: RotateKeyRequest, context: Context) {
    const now = tools.wallNow();
    const { principal } = context.actor;
    const overlapMs = overlap ? durationMs(overlap) : OVERLAP_MS;
    context.note({ resource: `keys/${id.slice(0, 100)}` });
    const { secret, record, replaced } = await context.write(async (tx) => {
      const old = await current(tx, id, etag);
      const state = stateOf(old, now);
      if (state !== KeyState.ACTIVE)
        throw errors.resourceOwned(
          `The key ${id} is ${state === KeyState.REVOKED ? "revoked" : "expired"}; make another.`,
        );
      if (old.replacedBy !== "")
        throw errors.resourceOwned(`The key ${id} was replaced by ${old.replacedBy} already; rotate that one.`);
      assertWithin(old.grants, principal.grants, `The key ${id} cannot be rotated`);
      // It lives as long as the old one was made for.
      const expiresAt = old.expiresAt === undefined ? undefined : now + (old.expiresAt - old.createdAt);
      const next = made({ ...old, createdAt: now, author: nameOf(principal), expiresAt });
      const ends = Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, now + overlapMs);
      const before = sealedRecord({ ...old, expiresAt: ends, replacedBy: next.record.id });
      await tx.putKey(next.record);
      await tx.putKey(before);
      context.note({ before: keyDoc(old), after: { replaced: keyDoc(before), key: keyDoc(next.record) } });
      return { ...next, replaced: before };
    });
    await site.keysApplied();
    return { key: keyMessage(record, now), secret, replaced: keyMessage(replaced, now) };
  }

  async function revokeKey({ id, etag }: RevokeKeyRequest, context: Context) {
    const now = tools.wallNow();
    context.note({ resource: `keys/${id.slice(0, 100)}` });
    const record = await context.write(async (tx) => {
      const old = await current(tx, id, etag);
      assertWithin(old.grants, context.actor.principal.grants, `The key ${id} cannot be revoked`);
      // Who is not sure that it was revoked may ask again.
      if (old.revokedAt !== undefined) return old;
      const ended = sealedRecord({ ...old, revokedAt: now });
      await tx.putKey(ended);
      context.note({ before: keyDoc(old), after: keyDoc(ended) });
      return ended;
    });
    await site.keysApplied();
    return { key: keyMessage(record, now) };
  }

  async function getKey({ id }: GetKeyRequest, context: Context) {
    const record = await current(ledger, id, "");
    if (!maySee(record, context)) throw unknown(id);
    return { key: keyMessage(record, tools.wallNow()) };
  }

  async function listKeys(request: ListKeysRequest, context: Context) {
    const now = tools.wallNow();
    const wanted = readFilter(request.filter, FIELDS, (record: KeyRecord, field) => [fieldOf(record, field, now)]);
    const shown = (await ledger.keys()).filter((record) => maySee(record, context));
    const all = shown.filter(wanted).sort(newestFirst);
    const { entries, nextPageToken } = pageOf(all, ({ id }) => id, request, ["keys", request.filter]);
    return { keys: entries.map((record) => keyMessage(record, now)), nextPageToken };
  }

  return { unary: { createKey, rotateKey, revokeKey, getKey, listKeys } };
}

/** What `ListKeysRequest.filter` may ask for. */
const FIELDS = ["name", "state", "owner.tenant", "owner.team", "owner.user", "owner.application"] as const;

function fieldOf(record: KeyRecord, field: string, now: number): string {
  if (field === "name") return record.name;
  if (field === "state") return KeyState[stateOf(record, now)]!;
  return record[field.slice("owner.".length) as "tenant" | "team" | "user" | "application"];
}

function newestFirst(a: KeyRecord, b: KeyRecord): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1);
}

/** Throws RESOURCE_UNKNOWN, and STALE_ETAG when the record is not what it was read as. @param etag Empty: whatever it is. */
async function current(reads: LedgerReads, id: string, etag: string): Promise<KeyRecord> {
  const record = await reads.key(id);
  if (!record) throw unknown(id);
  if (etag !== "" && etag !== record.etag)
    throw errors.staleEtag(`The key ${id} changed since it was read; read it and try again.`);
  return record;
}

const unknown = (id: string) =>
  errors.resourceUnknown(`There is no key with the id ${JSON.stringify(id.slice(0, 100))}.`);

/** Whoever may read keys of some routes alone is shown those of no others, and itself. A glob lies within another as a text. */
function maySee({ id, grants }: KeyRecord, context: Context): boolean {
  return (
    id === context.actor.principal.keyId || grants.every(({ routes }) => routes.every((one) => context.permits(one)))
  );
}
