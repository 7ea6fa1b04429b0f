import { Lease as Lending } from "../../core/lease.ts";
import type { Maybe, Tools } from "../../core/provider.ts";
import type { Keys } from "./sign.ts";

/** Keys, and until when they are good. */
export interface Lease {
  readonly keys: Keys;
  /** Calendar time, milliseconds since 1970; absent: until they are refused. */
  readonly expiresAt?: number | undefined;
}

/** Where the keys for a call come from. */
export interface KeySource {
  /** Throws UPSTREAM_CREDENTIALS or UPSTREAM_UNREACHABLE when there are none. */
  keys(): Maybe<Keys>;
  /** AWS said that these keys are expired or unknown: the next call gets others, where there are others. */
  refused(keys: Keys): void;
}

/** Keys that never change. */
export function fixedKeys(keys: Keys): KeySource {
  return { keys: () => keys, refused: () => {} };
}

/** Keys that are lent, and renewed before they end. */
export class LeasedKeys implements KeySource {
  private readonly lent: Lending<Keys>;

  constructor(borrow: () => Promise<Lease>, { wallNow }: Pick<Tools, "wallNow">) {
    this.lent = new Lending(async () => {
      const { keys, expiresAt = Number.POSITIVE_INFINITY } = await borrow();
      return { thing: keys, expiresAt };
    }, wallNow);
  }

  keys(): Maybe<Keys> {
    return this.lent.get();
  }

  refused(keys: Keys): void {
    this.lent.refused(keys);
  }
}
