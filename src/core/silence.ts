import type { Clock, Timer } from "./clock.ts";

/**
 * The one timer of a call. It watches two limits at once: the call's deadline, and the provider's silence. A sound moves
 * the second one without touching the timer, which looks again when it fires: a streamed chunk costs one clock reading.
 */
export class Silence {
  private readonly clock: Clock;
  private readonly deadlineAt: number;
  private readonly due: (deadline: boolean) => void;
  private timer: Timer | undefined = undefined;
  private timerAt = 0;
  private limitAt = 0;
  private holdMs = 0;

  /** @param due Called once: true: the deadline passed; false: silence lasted too long. */
  constructor(clock: Clock, deadlineAt: number, due: (deadline: boolean) => void) {
    this.clock = clock;
    this.deadlineAt = deadlineAt;
    this.due = due;
  }

  /** From now on, silence may last `ms`; `Infinity`: only the deadline counts. */
  allow(ms: number): void {
    const now = this.clock.now();
    this.limitAt = Math.min(this.deadlineAt, now + ms);
    if (this.timer !== undefined) {
      if (this.timerAt <= this.limitAt) return;
      this.clock.cancel(this.timer);
    }
    this.arm(now);
  }

  /** It is the caller who holds the provider back: silence does not count, for `ms` at a time, until `allow`. */
  hold(ms: number): void {
    this.holdMs = ms;
  }

  release(): void {
    this.holdMs = 0;
  }

  stop(): void {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.timer = undefined;
  }

  private arm(now: number): void {
    this.timerAt = this.limitAt;
    this.timer = this.clock.after(Math.max(0, this.limitAt - now), () => this.fire());
  }

  private fire(): void {
    this.timer = undefined;
    const now = this.clock.now();
    if (now >= this.deadlineAt) {
      this.due(true);
      return;
    }
    if (this.holdMs > 0) this.limitAt = Math.min(this.deadlineAt, now + this.holdMs);
    if (now >= this.limitAt) this.due(false);
    else this.arm(now);
  }
}
