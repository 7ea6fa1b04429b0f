import type { Clock, Timer } from "../core/clock.ts";
import type { Program, ServerProcess } from "./process.ts";

/** How a version is served. */
export interface SlotParts {
  readonly program: (port: number) => Program;
  readonly start: (program: Program) => ServerProcess;
  /** A port that nobody listens on, the given one if it is such; `undefined`: there is none. */
  readonly choosePort: (last: number | undefined) => Promise<number | undefined>;
  /** Whether the server on this port is well. */
  readonly isWell: (port: number) => Promise<boolean>;
  /** Longest time from a start to the first good answer. */
  readonly startMs: number;
  readonly clock: Clock;
  /** Told what becomes of it, for the log. */
  readonly tell: (what: string) => void;
  /** Called when it becomes ready, and when it is no longer. */
  readonly changed: () => void;
}

/** How often a server that starts is asked whether it is well. */
const PROBE_MS = 250;
/** A server that ended is started again after this long, doubled up to the second figure while it keeps ending. */
const RESTART_MS = [500, 60_000] as const;
/** One that was ready for so long begins anew with the short wait. */
const LIVED_MS = 60_000;
/** Between the last route that named it and its end: calls that chose it may not have been sent yet. */
const LINGER_MS = 2_000;

/** One version's place: a process, and another one when it ends, until it is no longer wanted. */
export class Slot {
  /** Where it listens; 0: it has no port yet. */
  port = 0;
  ready = false;
  /** What went wrong last; empty: nothing did. */
  trouble = "";
  /** Whether somebody asked for it since it was last looked for those whom nobody asks for. */
  asked = true;
  private readonly parts: SlotParts;
  private process: ServerProcess | undefined = undefined;
  private timer: Timer | undefined = undefined;
  private wait: number = RESTART_MS[0];
  private over = false;
  /** Why it was ended by us; empty: it was not. */
  private late = "";

  constructor(parts: SlotParts) {
    this.parts = parts;
    void this.run();
  }

  /** Lets calls under way end, and then it. Resolves when all of it is gone. */
  async retire(drainMs: number): Promise<void> {
    this.end();
    await this.sleep(LINGER_MS);
    await this.stop(drainMs);
  }

  /** Ends it: first it is asked to, after `graceMs` it is made to. Resolves when all of it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.end();
    const { process } = this;
    if (process === undefined) return;
    const { clock } = this.parts;
    process.signal("SIGTERM");
    const kill = clock.after(graceMs, () => process.signal("SIGKILL"));
    await process.closed;
    clock.cancel(kill);
  }

  private end(): void {
    this.over = true;
    if (this.timer !== undefined) this.parts.clock.cancel(this.timer);
  }

  private async run(): Promise<void> {
    const { program, start, choosePort, tell, clock } = this.parts;
    const port = await choosePort(this.port || undefined);
    if (this.over) return;
    if (port === undefined) {
      this.failed("no port is free");
      return;
    }
    this.port = port;
    const process = start(program(port));
    this.process = process;
    tell(`is started at port ${port}`);
    const began = clock.now();
    void process.ended.then(async (why) => {
      // What it started is of no use without it, and may still hold the port.
      if (!this.over) process.signal("SIGKILL");
      await process.closed;
      if (this.over) return;
      const words = this.ready ? `ended with ${why}` : `ended with ${why} before it answered`;
      if (this.ready && clock.now() - began > LIVED_MS) this.wait = RESTART_MS[0];
      this.failed(this.late || words);
    });
    this.late = "";
    await this.probe(process, port, began);
  }

  private async probe(process: ServerProcess, port: number, began: number): Promise<void> {
    const { isWell, startMs, clock, tell, changed } = this.parts;
    for (;;) {
      const well = await isWell(port);
      if (this.over || this.process !== process) return;
      if (well) {
        this.ready = true;
        this.trouble = "";
        tell(`answers at port ${port} after ${Math.round(clock.now() - began)} ms`);
        changed();
        return;
      }
      if (clock.now() - began > startMs) {
        this.late = `did not answer within ${startMs} ms`;
        process.signal("SIGKILL");
        return;
      }
      await this.sleep(PROBE_MS);
      if (this.over || this.process !== process) return;
    }
  }

  private failed(why: string): void {
    const { clock, tell, changed } = this.parts;
    this.process = undefined;
    this.ready = false;
    this.trouble = why;
    tell(`${why}; it is started again in ${this.wait} ms`);
    this.timer = clock.after(this.wait, () => void this.run());
    this.wait = Math.min(this.wait * 2, RESTART_MS[1]);
    changed();
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.parts.clock.after(ms, () => resolve()));
  }
}
