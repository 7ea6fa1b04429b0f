import type { Clock } from "../../core/clock.ts";
import type { Counted, Counters, Store } from "../../core/store.ts";
import { openLedger } from "./ledger.ts";

/** Counters and a ledger of this process alone; they are gone when it ends. */
export const store: Store = { kind: "memory", openCounters, openLedger };

interface Counter {
  total: number;
  /** On the clock. */
  endsAt: number;
}

/**
 * Two maps in place of an order by use: what was used since the maps changed places is in `young`, and the rest is dropped
 * as a whole when `young` is half of what may be held. An add costs one look-up, and nothing is ever swept.
 */
function openCounters(clock: Pick<Clock, "now">, maxKeys: number): Counters {
  let young = new Map<string, Counter>();
  let old = new Map<string, Counter>();
  const half = Math.max(1, Math.floor(maxKeys / 2));

  function find(key: string): Counter {
    let counter = young.get(key);
    if (counter !== undefined) return counter;
    counter = old.get(key) ?? { total: 0, endsAt: 0 };
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(key, counter);
    return counter;
  }

  return {
    add(key, by, windowMs): Counted {
      const now = clock.now();
      const counter = find(key);
      if (counter.endsAt <= now) {
        counter.total = 0;
        counter.endsAt = now + windowMs;
      }
      counter.total += by;
      return { total: counter.total, leftMs: counter.endsAt - now };
    },
  };
}
