import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { GatewayError } from "../core/errors.ts";

const ALGORITHM = "aes-256-gcm";
const AAD = Buffer.from("polygate");
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Opened secrets that are kept at a time. */
const MOST_OPEN = 20_000;
const SEALED = /^sealed:v1:([0-9a-f]{8}):([A-Za-z0-9_-]+)$/;

/** Whether a text is one that `seal` made. */
export const isSealed = (text: string): boolean => SEALED.test(text);

/** A key of `store.encryption_key`. */
export interface SealingKey {
  /** First 8 hexadecimal digits of the key's SHA-256. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** The key that seals, and those that only open. */
export interface SealingKeys {
  readonly current: SealingKey;
  readonly former: readonly SealingKey[];
}

/** A key from 32 bytes in base64, base64url or hexadecimal digits; `undefined`: the text is no such thing. */
export function readSealingKey(text: string): SealingKey | undefined {
  const trimmed = text.trim();
  const hex = /^[0-9a-fA-F]{64}$/.test(trimmed);
  if (!hex && !/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined;
  return sealingKey(Buffer.from(trimmed, hex ? "hex" : "base64"));
}

/** A key that nobody has yet. */
export function newSealingKey(): SealingKey {
  return sealingKey(randomBytes(KEY_BYTES));
}

function sealingKey(bytes: Buffer): SealingKey {
  return { id: createHash("sha256").update(bytes).digest("hex").slice(0, 8), bytes };
}

/** `sealed:v1:<key id>:<base64url(nonce 12 | ciphertext | tag 16)>`, AES-256-GCM. Another one each time. */
export function seal({ id, bytes }: SealingKey, text: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, bytes, nonce).setAAD(AAD);
  const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `sealed:v1:${id}:${sealed.toString("base64url")}`;
}

/** The text that was sealed. Throws STORE_UNAVAILABLE when none of the keys sealed it, or it was changed. */
export function unseal({ current, former }: SealingKeys, text: string): string {
  const [, id, content] = SEALED.exec(text) ?? [];
  const key = [current, ...former].find((one) => one.id === id);
  if (!content) throw unopened("it holds a secret that was never sealed");
  if (!key)
    throw unopened(`its secrets are sealed with the key ${id}, which is neither encryption_key nor a former one`);
  const bytes = Buffer.from(content, "base64url");
  try {
    const decipher = createDecipheriv(ALGORITHM, key.bytes, bytes.subarray(0, NONCE_BYTES)).setAAD(AAD);
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const open = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return Buffer.concat(open).toString("utf8");
  } catch (cause) {
    throw unopened(`a secret sealed with the key ${id} was changed since`, cause);
  }
}

/** The store's routes are read whole at every change, and all but a few of their secrets are the same. */
function opener(keys: SealingKeys): Seals["open"] {
  const known = new Map<string, string>();
  return (sealed) => {
    const found = known.get(sealed) ?? unseal(keys, sealed);
    if (known.size >= MOST_OPEN) known.clear();
    known.set(sealed, found);
    return found;
  };
}

function unopened(why: string, cause?: unknown): GatewayError {
  return new GatewayError(`The store cannot be read: ${why}.`, { reason: "STORE_UNAVAILABLE" }, cause);
}

/** Seals, opens and masks secrets with what one ledger's notes say. */
export interface Seals {
  /** Id of the key that seals. */
  readonly keyId: string;
  seal(text: string): string;
  /** Throws STORE_UNAVAILABLE. */
  open(sealed: string): string;
  /** `***` and 8 hexadecimal digits that name the secret, and from which it cannot be had. */
  mask(secret: string): string;
  /** 32 bytes under which API keys are hashed. */
  readonly pepper: Buffer;
}

/** @param maskKey 32 bytes. */
export function sealsOf(keys: SealingKeys, maskKey: Buffer, pepper: Buffer): Seals {
  return {
    keyId: keys.current.id,
    seal: (text) => seal(keys.current, text),
    open: opener(keys),
    mask: (secret) => `***${createHmac("sha256", maskKey).update(secret).digest("hex").slice(0, 8)}`,
    pepper,
  };
}
