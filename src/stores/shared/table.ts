import type { Clock } from "../../core/clock.ts";
import type { Counted, Counters } from "../../core/store.ts";

/** Slots that a key may stand in; the least useful of them gives way. */
const WAYS = 8;
/** Locks over all the sets of slots. */
const LOCKS = 256;
/** How often a taken lock is tried before it is broken: its thread died while it held it, for a hold takes under 1 us. */
const TRIES = 100_000;

/**
 * Counters in memory that threads share. A key stands in one of eight slots, found by 62 bits of its hash; with more keys
 * than slots the one that ends first gives way.
 */
export function newTable(maxKeys: number): SharedArrayBuffer {
  const sets = Math.max(1, Math.ceil(maxKeys / WAYS));
  return new SharedArrayBuffer(LOCKS * 4 + 4 + sets * WAYS * 20 + 8);
}

/** @param clock Must say the same in every thread that shares the table. */
export function countersOver(table: SharedArrayBuffer, clock: Pick<Clock, "now">): Counters {
  const slots = Math.floor((table.byteLength - LOCKS * 4 - 12) / 20 / WAYS) * WAYS;
  const locks = new Int32Array(table, 0, LOCKS);
  const ends = new Float64Array(table, align(LOCKS * 4), slots);
  const rest = align(LOCKS * 4) + slots * 8;
  const high = new Uint32Array(table, rest, slots);
  const low = new Uint32Array(table, rest + slots * 4, slots);
  const totals = new Int32Array(table, rest + slots * 8, slots);
  const sets = slots / WAYS;
  return {
    add(key, by, windowMs): Counted {
      const one = hash(key, 0x811c9dc5);
      // 0 marks a slot that was never used.
      const two = hash(key, 0x1b873593) | 1;
      const set = one % sets;
      const lock = set % LOCKS;
      take(locks, lock);
      try {
        const now = clock.now();
        const at = find(set * WAYS, one, two);
        if (ends[at]! <= now || high[at] !== one || low[at] !== two >>> 0) {
          high[at] = one;
          low[at] = two;
          totals[at] = 0;
          ends[at] = now + windowMs;
        }
        totals[at] = totals[at]! + by;
        return { total: totals[at]!, leftMs: ends[at]! - now };
      } finally {
        Atomics.store(locks, lock, 0);
      }
    },
  };

  /** The key's slot, or the one that it takes over. */
  function find(from: number, one: number, two: number): number {
    let best = from;
    for (let at = from; at < from + WAYS; at++) {
      if (high[at] === one && low[at] === two >>> 0) return at;
      if (ends[at]! < ends[best]!) best = at;
    }
    return best;
  }
}

function take(locks: Int32Array, lock: number): void {
  for (let i = 0; i < TRIES; i++) if (Atomics.compareExchange(locks, lock, 0, 1) === 0) return;
  Atomics.store(locks, lock, 1);
}

/** FNV-1a with a finish, over UTF-16 units. 32 bits. */
function hash(key: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

function align(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
