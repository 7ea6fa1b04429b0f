import { createSecretKey, timingSafeEqual } from "node:crypto";
import { apiKeyHash, apiKeyId } from "./core/api-key.ts";
import type { KeyRing, RingKey } from "./core/stored.ts";

/** What a ring knows: plain data, so that it can be sent to a thread. */
export interface RingState {
  readonly keys: readonly RingKey[];
  /** 32 bytes in base64. */
  readonly pepper: string;
}

/**
 * The store's keys of one thread. A key names itself, so that one record is compared with it, in constant time; whatever is wrong
 * with a key, the same hashing is done. The id is no secret: that it is known is told by nothing but the 30 ns of a look-up.
 */
export class Ring implements KeyRing {
  version = 0;
  open = false;
  private known: ReadonlyMap<string, { readonly record: RingKey; readonly hash: Buffer }> = new Map();
  private pepper = createSecretKey(NOTHING);

  /** From now on these are the keys, and no others. */
  replace({ keys, pepper }: RingState): void {
    const all = keys.map((record) => ({ record, hash: Buffer.from(record.hash, "base64") }));
    // What is no hash opens nothing.
    const whole = all.filter(({ hash }) => hash.length === NOTHING.length);
    this.known = new Map(whole.map((one) => [one.record.id, one]));
    this.pepper = createSecretKey(pepper, "base64");
    this.open = true;
    this.version++;
  }

  find(key: string): RingKey | undefined {
    // Without keys there is nothing to be found by trying, and nobody waits for 6 us of hashing.
    if (!this.open || this.known.size === 0) return undefined;
    const one = this.known.get(apiKeyId(key, this.pepper));
    const same = timingSafeEqual(apiKeyHash(key, this.pepper), one?.hash ?? NOTHING);
    return same ? one?.record : undefined;
  }
}

const NOTHING = Buffer.alloc(32);
