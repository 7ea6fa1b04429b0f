import type { Clock } from "./clock.ts";
import type { Ledger, LedgerSettings } from "./ledger.ts";
import type { Maybe } from "./provider.ts";

/** What a counter came to. */
export interface Counted {
  /** The new total. */
  readonly total: number;
  /** Milliseconds until the counter is dropped; more than 0. */
  readonly leftMs: number;
}

/**
 * Counters that several workers may share. They hold so many keys at a time: past that they forget some, which then count
 * from 0 again.
 */
export interface Counters {
  /** Adds `by` to a counter, which starts at 0 and is dropped `windowMs` after its first add. Atomic. */
  add(key: string, by: number, windowMs: number): Maybe<Counted>;
}

/** A kind of store: one folder under `stores/`, whose `index.ts` exports this as `store`. */
export interface Store {
  readonly kind: string;
  /** Absent where a store counts nothing. @param maxKeys Most counters at a time. */
  openCounters?(clock: Pick<Clock, "now">, maxKeys: number): Counters;
  /** Absent where a store keeps no ledger. Throws STORE_UNAVAILABLE, or what is wrong with the settings. */
  openLedger?(settings: LedgerSettings): Promise<Ledger>;
  /** Memory that threads can count in together, by `join`; absent where a store has no such thing. */
  share?(maxKeys: number): SharedArrayBuffer;
  /** @param clock Must say the same in every thread that joins. */
  join?(table: SharedArrayBuffer, clock: Pick<Clock, "now">): Counters;
}
