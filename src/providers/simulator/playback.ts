import type { Clock, Timer } from "../../core/clock.ts";
import type { Controls, Receiver } from "../../core/provider.ts";
import { BREAK, type Script, STALL, type Step } from "./faults.ts";

/** How long an answer takes, milliseconds. */
export interface Pace {
  readonly firstByteMs: number;
  readonly chunkMs: number;
}

/** Chunks pushed in one go; then other work of the process has its turn. */
const BATCH = 64;

/**
 * Plays an answer to its receiver as a server would send it. A chunk is made only when it is to be pushed, so a paused
 * answer takes no more memory however long it is.
 */
export class Playback implements Controls {
  private readonly pace: Pace;
  private readonly clock: Clock;
  private readonly receiver: Receiver;
  private steps: Iterator<Step> | undefined = undefined;
  private next: IteratorResult<Step> | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private paused = false;
  /** The next chunk's time has come while the receiver was paused. */
  private due = false;
  private over = false;
  private why: unknown = undefined;

  /** Begins on its own, once the code that made it has ended. `write` is called when the first byte is due. */
  constructor(write: () => Script | typeof STALL | typeof BREAK, pace: Pace, clock: Clock, receiver: Receiver) {
    this.pace = pace;
    this.clock = clock;
    this.receiver = receiver;
    if (pace.firstByteMs > 0) this.later(pace.firstByteMs, () => this.begin(write()));
    else queueMicrotask(() => this.over || this.begin(write()));
  }

  private begin(script: Script | typeof STALL | typeof BREAK): void {
    if (script === STALL) return;
    if (script === BREAK) {
      this.over = true;
      this.receiver.onBreak("connect", new Error("Simulated fault: unreachable."));
      return;
    }
    this.steps = script.steps[Symbol.iterator]();
    this.receiver.onHead(script.status, script.headers);
    this.play();
  }

  /** Pushes chunks until one has to wait: for its time, for the receiver, or for other work. */
  private play(): void {
    for (let count = 0; !this.over; count++) {
      if (this.paused) {
        this.due = true;
        return;
      }
      if (count === BATCH) {
        this.later(0, () => this.play());
        return;
      }
      const { done, value } = this.next ?? this.take();
      if (done) {
        this.over = true;
        this.receiver.onEnd(true);
      } else if (value === BREAK) {
        this.over = true;
        this.receiver.onBreak("broken", this.why ?? new Error("Simulated fault: the connection broke."));
      } else if (value === STALL) return;
      else if (this.push(value)) return;
    }
  }

  /** True: the one after it has to wait. */
  private push(chunk: Buffer): boolean {
    this.next = undefined;
    this.receiver.onData(chunk);
    if (this.over || this.pace.chunkMs <= 0) return false;
    // An end takes no time of its own.
    this.next = this.take();
    if (!Buffer.isBuffer(this.next.value)) return false;
    this.later(this.pace.chunkMs, () => this.play());
    return true;
  }

  /** The next chunk. A defect in its making must not end the process: nobody above here would catch it. */
  private take(): IteratorResult<Step> {
    try {
      return this.steps!.next();
    } catch (cause) {
      this.why = cause;
      return { done: false, value: BREAK };
    }
  }

  private later(ms: number, fire: () => void): void {
    this.timer = this.clock.after(ms, () => {
      this.timer = undefined;
      fire();
    });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (!this.due) return;
    this.due = false;
    // Not from within the receiver's own call.
    queueMicrotask(() => this.play());
  }

  abort(): void {
    this.over = true;
    this.steps = undefined;
    if (this.timer !== undefined) this.clock.cancel(this.timer);
  }
}
