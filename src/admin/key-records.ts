import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type KeySchema,
  KeyState,
  Realm,
  type Scope,
  type ScopeSchema,
} from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { canonicalJson } from "../core/chain.ts";
import { errors, type Violation } from "../core/errors.ts";
import { grantOf, operationsOf, within } from "../core/grants.ts";
import type { JsonObject } from "../core/json.ts";
import type { KeyRecord } from "../core/ledger.ts";
import type { Grant } from "../core/principal.ts";
import type { RingKey } from "../core/stored.ts";

/** A key's record before its `etag` is known. */
export type KeyDraft = Omit<KeyRecord, "etag">;

/** The record with the `etag` of what it says. */
export function sealedRecord(draft: KeyDraft): KeyRecord {
  const etag = createHash("sha256").update(canonicalJson({ ...draft } as unknown as JsonObject));
  return { ...draft, etag: etag.digest("hex").slice(0, 16) };
}

/** What a key is good for at a time, in milliseconds since 1970. */
export function stateOf({ revokedAt, expiresAt }: KeyDraft, now: number): KeyState {
  if (revokedAt !== undefined) return KeyState.REVOKED;
  return expiresAt !== undefined && expiresAt <= now ? KeyState.EXPIRED : KeyState.ACTIVE;
}

/** What the rings of a process are to know: every key that is good, or may be said to be over. */
export function ringKeysOf(records: readonly KeyRecord[], now: number): readonly RingKey[] {
  return records
    .filter((record) => stateOf(record, now) === KeyState.ACTIVE)
    .map(({ id, name, hash, grants, expiresAt }) => ({ id, name, hash, grants, expiresAt }));
}

type KeyInit = MessageInitShape<typeof KeySchema>;

/** A key as admins see it; its hash is nobody's business. */
export function keyMessage(record: KeyRecord, now: number): KeyInit {
  const { id, name, prefix, tenant, team, user, application, grants, description } = record;
  const { createdAt, author, expiresAt, revokedAt, replacedBy, etag } = record;
  return {
    id,
    name,
    prefix,
    owner: { tenant, team, user, application },
    scopes: grants.map(scopeOf),
    description,
    createTime: timestampFromMs(createdAt),
    author,
    ...(expiresAt !== undefined && { expireTime: timestampFromMs(expiresAt) }),
    ...(revokedAt !== undefined && { revokeTime: timestampFromMs(revokedAt) }),
    replacedBy,
    state: stateOf(record, now),
    etag,
  };
}

/** What is written down of a key: everything but its hash. */
export function keyDoc({ hash: _, ...record }: KeyRecord): JsonObject {
  return JSON.parse(JSON.stringify(record)) as JsonObject;
}

/** The grants that scopes ask for. Throws FIELD_INVALID for words that their realm does not have. */
export function grantsOf(scopes: readonly Scope[]): readonly Grant[] {
  const wrong = scopes.flatMap((scope, at) => wrongWords(scope, `scopes[${at}]`));
  if (wrong.length > 0) throw errors.fieldInvalid(wrong as [Violation, ...Violation[]]);
  return scopes.map(({ realm, operations, routes }) => grantOf(REALMS[realm] ?? "inference", operations, routes));
}

/** Throws CALLER_FORBIDDEN unless all of the grants are part of what somebody has. */
export function assertWithin(grants: readonly Grant[], own: readonly Grant[], what: string): void {
  const beyond = grants.findIndex((grant) => !within([grant], own));
  if (beyond >= 0) throw errors.callerForbidden(`${what}: scopes[${beyond}] is not within those of the key that asks.`);
}

const REALMS: Readonly<Record<Realm, Grant["realm"] | undefined>> = {
  [Realm.UNSPECIFIED]: undefined,
  [Realm.INFERENCE]: "inference",
  [Realm.ADMIN]: "admin",
};

function wrongWords({ realm, operations }: Scope, path: string): Violation[] {
  const words = operationsOf(REALMS[realm] ?? "");
  if (words === undefined) return [{ field: `${path}.realm`, description: "want REALM_INFERENCE or REALM_ADMIN" }];
  return operations.flatMap((one, at) =>
    words.includes(one)
      ? []
      : [{ field: `${path}.operations[${at}]`, description: `is not one of ${words.join(", ")} of its realm` }],
  );
}

function scopeOf({ realm, operations, routes }: Grant): MessageInitShape<typeof ScopeSchema> {
  return {
    realm: realm === "admin" ? Realm.ADMIN : Realm.INFERENCE,
    operations: [...operations],
    routes: [...routes],
  };
}
