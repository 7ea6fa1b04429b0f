import { asGatewayError, type GatewayError } from "../../core/errors.ts";
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

/** So long before their end keys are renewed while they are still used; of a lease that is short, a third of it. */
const AHEAD_MS = 5 * 60_000;
/** So long before their end they are not used any more: the request has to arrive, and clocks differ. */
const MARGIN_MS = 30_000;
/** So long a failure is remembered: callers who come in the meantime do not ask again. */
const FAILED_MS = 1_000;
/** Keys that are younger are kept when AWS refuses them: others would be refused, too. */
const FRESH_MS = 10_000;

/**
 * Keys that are lent, and renewed before they end. One renewal runs at a time, whoever asks. While the old keys are good nobody
 * waits for new ones, and a renewal that fails is tried again a little later; after that callers wait for it, and fail with it.
 */
export class LeasedKeys implements KeySource {
  private readonly borrow: () => Promise<Lease>;
  private readonly wallNow: Tools["wallNow"];
  private lease: Lease | undefined = undefined;
  private borrowedAt = 0;
  private renewAt = 0;
  private pending: Promise<Keys> | undefined = undefined;
  private failure: { readonly error: GatewayError; readonly until: number } | undefined = undefined;

  constructor(borrow: () => Promise<Lease>, { wallNow }: Pick<Tools, "wallNow">) {
    this.borrow = borrow;
    this.wallNow = wallNow;
  }

  keys(): Maybe<Keys> {
    const now = this.wallNow();
    const { lease } = this;
    const { expiresAt = Number.POSITIVE_INFINITY } = lease ?? {};
    const resting = this.failure !== undefined && now < this.failure.until;
    if (lease !== undefined && now < expiresAt - MARGIN_MS) {
      // Its failure is for those who have no other keys.
      if (now >= this.renewAt && !resting) this.renew().catch(() => {});
      return lease.keys;
    }
    if (resting) throw this.failure!.error;
    return this.renew();
  }

  refused(keys: Keys): void {
    // Many calls may be refused with the same old keys; they must not throw away the new ones.
    const fresh = this.wallNow() - this.borrowedAt < FRESH_MS;
    if (this.lease?.keys === keys && !fresh) this.lease = undefined;
  }

  private renew(): Promise<Keys> {
    this.pending ??= this.borrowed().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async borrowed(): Promise<Keys> {
    try {
      const lease = await this.borrow();
      const now = this.wallNow();
      const { expiresAt = Number.POSITIVE_INFINITY } = lease;
      this.lease = lease;
      this.borrowedAt = now;
      this.renewAt = expiresAt - Math.min(AHEAD_MS, (expiresAt - now) / 3);
      this.failure = undefined;
      return lease.keys;
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.failure = { error, until: this.wallNow() + FAILED_MS };
      throw error;
    }
  }
}
