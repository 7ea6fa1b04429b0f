/** Time that stands still until a test moves it. */
import type { Clock } from "../../src/core/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time on and fires, in their order, the timers that fall due, those made on the way included. */
  advance(ms: number): void;
  /** Timers that are set and have not fired. */
  readonly pending: number;
}

interface Alarm {
  readonly at: number;
  readonly fire: () => void;
}

/** A clock at `start` milliseconds. */
export function fakeClock(start = 0): FakeClock {
  let now = start;
  const alarms = new Set<Alarm>();
  return {
    now: () => now,
    after(ms, fire) {
      const alarm: Alarm = { at: now + Math.max(0, ms), fire };
      alarms.add(alarm);
      return alarm;
    },
    cancel: (timer) => void alarms.delete(timer as Alarm),
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = soonest(alarms);
        if (next === undefined || next.at > end) break;
        alarms.delete(next);
        now = next.at;
        next.fire();
      }
      now = end;
    },
    get pending() {
      return alarms.size;
    },
  };
}

/** Of alarms at the same time, the one that was set first. */
function soonest(alarms: ReadonlySet<Alarm>): Alarm | undefined {
  let found: Alarm | undefined;
  for (const alarm of alarms) if (found === undefined || alarm.at < found.at) found = alarm;
  return found;
}

/** Resolves when every microtask that is due has run, those that they made included. */
export const microtasks = (): Promise<void> => new Promise((done) => setImmediate(done));
