/** Time as a value, so that tests say what time it is. Milliseconds, monotonic, from an arbitrary start. */
export interface Clock {
  now(): number;
  /** Calls `fire` once, `ms` from now. */
  after(ms: number, fire: () => void): Timer;
  cancel(timer: Timer): void;
}

/** A clock's handle; opaque. */
export type Timer = object;
