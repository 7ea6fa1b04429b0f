import { asGatewayError, type GatewayError } from "./errors.ts";
import type { Maybe } from "./provider.ts";

/** Something that is lent for a time. */
export interface Lent<Thing> {
  readonly thing: Thing;
  /** Calendar time, milliseconds since 1970. */
  readonly expiresAt: number;
}

/** So long before its end it is renewed while it is still used; of a lease that is short, a third of it. */
const AHEAD_MS = 5 * 60_000;
/** So long before its end it is not used any more: the request has to arrive, and clocks differ. */
const MARGIN_MS = 30_000;
/** So long a failure is remembered: callers who come in the meantime do not ask again. */
const FAILED_MS = 1_000;
/** What is younger is kept when it is refused: another would be refused, too. */
const FRESH_MS = 10_000;

/**
 * A credential that is lent and renewed before it ends. One renewal runs at a time, whoever asks. While the old one is good nobody
 * waits for the new one, and a renewal that fails is tried again a little later; after that callers wait for it, and fail with it.
 */
export class Lease<Thing> {
  private readonly borrow: () => Promise<Lent<Thing>>;
  private readonly wallNow: () => number;
  private lent: Lent<Thing> | undefined = undefined;
  private lentAt = 0;
  private renewAt = 0;
  private pending: Promise<Thing> | undefined = undefined;
  private failure: { readonly error: GatewayError; readonly until: number } | undefined = undefined;

  /** @param wallNow Calendar time, milliseconds since 1970. */
  constructor(borrow: () => Promise<Lent<Thing>>, wallNow: () => number) {
    this.borrow = borrow;
    this.wallNow = wallNow;
  }

  /** At once where there is one that is good. Throws, or rejects, what the lender does. */
  get(): Maybe<Thing> {
    const now = this.wallNow();
    const { lent, failure } = this;
    const resting = failure !== undefined && now < failure.until;
    if (lent !== undefined && now < lent.expiresAt - MARGIN_MS) {
      // Its failure is for those who have nothing else.
      if (now >= this.renewAt && !resting) this.renew().catch(() => {});
      return lent.thing;
    }
    if (resting) throw failure.error;
    return this.renew();
  }

  /** It was refused where it was shown, though its time was not over: the next call borrows anew, unless it has just been lent. */
  refused(thing: Thing): void {
    const isFresh = this.wallNow() - this.lentAt < FRESH_MS;
    // Many calls may be refused with the same old one; they must not throw away the new one.
    if (this.lent?.thing === thing && !isFresh) this.lent = undefined;
  }

  private renew(): Promise<Thing> {
    this.pending ??= this.renewed().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async renewed(): Promise<Thing> {
    try {
      const lent = await this.borrow();
      const now = this.wallNow();
      this.lent = lent;
      this.lentAt = now;
      this.renewAt = lent.expiresAt - Math.min(AHEAD_MS, (lent.expiresAt - now) / 3);
      this.failure = undefined;
      return lent.thing;
    } catch (thrown) {
      const error = asGatewayError(thrown);
      this.failure = { error, until: this.wallNow() + FAILED_MS };
      throw error;
    }
  }
}
