import type { Clock } from "../core/clock.ts";

/** Real time. `now` is `performance.now()`, monotonic. */
export const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, fire) => setTimeout(fire, ms),
  cancel: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
