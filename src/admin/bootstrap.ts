import { randomBytes } from "node:crypto";
import { KeyState } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { apiKeyHash, apiKeyId, apiKeyOf, apiKeyPrefix, KEY_BYTES } from "../core/api-key.ts";
import { ADMIN, INFERENCE, within } from "../core/grants.ts";
import type { KeyRecord, Ledger, LedgerReads } from "../core/ledger.ts";
import type { Grant } from "../core/principal.ts";
import type { RingKey } from "../core/stored.ts";
import { sealedRecord, stateOf } from "./key-records.ts";

/** Characters of a key that comes from the environment; a shorter one could be found by trying. */
const MIN_KEY = 32;
/** Different characters in it: fewer than in any that was made at random, also of hexadecimal digits. */
const MIN_LETTERS = 8;
/** As the auth policy takes them. */
const MAX_KEY = 1024;
const NAME = "bootstrap-admin";

/** What the first admin key is made of. */
export interface BootstrapParts {
  readonly ledger: Ledger;
  /** Of the ledger's seals. */
  readonly pepper: Buffer;
  readonly wallNow: () => number;
  /** `POLYGATE_ADMIN_KEY`, when it is set. */
  readonly given: string | undefined;
  /** Of every key in the config file. */
  readonly fileGrants: readonly (readonly Grant[])[];
}

/** What came of it. */
export interface Bootstrapped {
  /** A key that was made now: to be printed once, on standard error. */
  readonly secret?: string;
  /** A key that the ledger cannot keep: to be put into this process's rings beside the ledger's own. */
  readonly ringKey?: RingKey;
}

/**
 * Sees to it that somebody can manage the gateway, when callers are asked for keys: without an active key that may do everything
 * in the admin API, in the store or in the file, the key of the environment becomes the first one; without that one is made, if
 * there is a store to keep it in. Of several gateways on one store that start at once, one does it. Throws STORE_UNAVAILABLE, and
 * an `Error` with what to do when the environment's key cannot be one.
 */
export async function bootstrapKey(parts: BootstrapParts): Promise<Bootstrapped> {
  const { ledger, given, fileGrants } = parts;
  if (given !== undefined) assertGood(given);
  if (fileGrants.some(isAdmin) || (await hasAdmin(parts, ledger))) return {};
  if (!ledger.writable) return given === undefined ? {} : { ringKey: ringKeyOf(recordOf(parts, given)) };
  const secret = given ?? apiKeyOf(randomBytes(KEY_BYTES));
  const record = recordOf(parts, secret);
  const mine = await ledger.write(async (tx) => {
    if (await hasAdmin(parts, tx)) return false;
    if (await tx.key(record.id))
      throw new Error("POLYGATE_ADMIN_KEY is a key that was ended; set another one, or none to have one made");
    await tx.putKey(record);
    await tx.addAudit({
      at: record.createdAt,
      actor: record.author,
      keyId: "",
      action: "bootstrap",
      resource: `keys/${record.id}`,
      outcome: "ok",
      before: undefined,
      after: { id: record.id, name: record.name },
      remote: "",
      requestId: "",
      revision: 0,
    });
    return true;
  });
  return mine && given === undefined ? { secret } : {};
}

async function hasAdmin({ wallNow }: BootstrapParts, reads: LedgerReads): Promise<boolean> {
  const now = wallNow();
  return (await reads.keys()).some((record) => stateOf(record, now) === KeyState.ACTIVE && isAdmin(record.grants));
}

const isAdmin = (grants: readonly Grant[]): boolean => within([ADMIN], grants);

function recordOf({ pepper, wallNow }: BootstrapParts, key: string): KeyRecord {
  const id = apiKeyId(key, pepper);
  return sealedRecord({
    id,
    name: NAME,
    prefix: key.startsWith(apiKeyPrefix(id)) ? apiKeyPrefix(id) : "",
    hash: apiKeyHash(key, pepper).toString("base64"),
    tenant: "",
    team: "",
    user: "",
    application: "",
    grants: [INFERENCE, ADMIN],
    description: "The first admin key.",
    createdAt: wallNow(),
    author: "gateway",
    expiresAt: undefined,
    revokedAt: undefined,
    replacedBy: "",
  });
}

function ringKeyOf({ id, name, hash, grants, expiresAt }: KeyRecord): RingKey {
  return { id, name, hash, grants, expiresAt };
}

function assertGood(key: string): void {
  const long = key.length >= MIN_KEY && key.length <= MAX_KEY;
  if (/^[!-~]*$/.test(key) && long && new Set(key).size >= MIN_LETTERS) return;
  throw new Error(
    `POLYGATE_ADMIN_KEY is no key: want ${MIN_KEY} to ${MAX_KEY} visible ASCII characters, ${MIN_LETTERS} different ones at least; make one with \`openssl rand -base64 32\``,
  );
}
