import { createHmac, type KeyObject } from "node:crypto";

/** `pg_`, the id that names the key, and 32 random bytes in base64url. */
const FORM = /^pg_([a-z2-7]{12})_[\w-]{43}$/;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
/** Random bytes that a key is made of. */
export const KEY_BYTES = 40;

/** Made ready as a `KeyObject` it costs 2 us a use; as bytes it is made ready each time, which takes 10. */
export type Pepper = Buffer | KeyObject;

/** A key of these random bytes: 8 for its id, 32 for what nobody can guess. */
export function apiKeyOf(random: Buffer): string {
  return `pg_${lettersOf(random)}_${random.subarray(8, KEY_BYTES).toString("base64url")}`;
}

/**
 * Names a key, and can be told to everybody. Keys of ours have it in them; of another form, such as one that an operator gave the
 * first admin, it is had from the whole key and the pepper.
 */
export function apiKeyId(key: string, pepper: Pepper): string {
  return FORM.exec(key)?.[1] ?? lettersOf(createHmac("sha256", pepper).update("id ").update(key).digest());
}

/** 32 bytes by which a key is known, and from which it cannot be had; without the pepper nobody can try keys on them. */
export function apiKeyHash(key: string, pepper: Pepper): Buffer {
  return createHmac("sha256", pepper).update(key).digest();
}

/** What a key of ours begins with, for people to find it by. */
export function apiKeyPrefix(id: string): string {
  return `pg_${id}`;
}

/** The first 60 bits in base32. */
function lettersOf(bytes: Buffer): string {
  let text = "";
  for (const at of [0, 30]) {
    // 30 bits from there on, out of the 40 of five whole bytes.
    const bits = Math.floor(bytes.readUIntBE(at >> 3, 5) / 2 ** (10 - (at & 7))) % 2 ** 30;
    for (let shift = 25; shift >= 0; shift -= 5) text += LETTERS[(bits >> shift) & 31]!;
  }
  return text;
}
