import { ms } from "./compile.ts";
import { type Follow, type Told, toldBy } from "./follow/told.ts";
import type { Keeping } from "./keeping.ts";
import type { RingState } from "./keyring.ts";
import type { Log } from "./observe/log.ts";
import { type Metrics, mergeSnapshots, type Snapshot } from "./observe/metrics.ts";
import type { Observer } from "./observe/observer.ts";
import type { Given, LiveSite } from "./site.ts";
import type { StartOptions } from "./start.ts";
import { type Ready, Thread, type WorkerStart } from "./thread.ts";

/** A worker that dies is started again after this long, doubled up to the second figure while it keeps dying. */
const RESTART_MS = [100, 5_000] as const;

/** What a crew is made of. */
export interface CrewParts {
  readonly options: StartOptions;
  readonly log: Log;
  /** Of the main thread. */
  readonly metrics: Metrics;
  readonly observer: Observer;
  /** The site of the main thread: it reads the files and follows the registry for all, and answers no call. */
  readonly live: LiveSite;
  readonly keeping: Keeping;
  readonly relay: Relay;
  readonly table: SharedArrayBuffer;
}

/**
 * Several threads that answer on one port, each with its own event loop; the kernel spreads connections over them
 * (SO_REUSEPORT). They share counters by memory, run the same config or the old one, and are started again when they die.
 */
export class Crew {
  readonly drainMs: number;
  private readonly parts: CrewParts;
  /** By number, from 0. One that died is absent until it is started again. */
  readonly threads = new Map<number, Thread>();
  /** What a worker begins with. */
  private given: Given;
  private keys: RingState;
  private work: Promise<unknown> = Promise.resolve();
  private port: number | undefined;
  private closed = false;

  private constructor(parts: CrewParts, keys: RingState) {
    this.parts = parts;
    this.keys = keys;
    this.given = parts.live.given();
    this.port = parts.options.port;
    this.drainMs = ms(parts.live.states.loaded.config.drainTimeout) ?? 30_000;
  }

  /** Starts `count` workers; resolves when each listens. Rejects with `WorkerFailed`. */
  static async start(parts: CrewParts, count: number): Promise<{ crew: Crew; ready: Ready }> {
    const crew = new Crew(parts, await parts.keeping.ring());
    parts.relay.to = (told, moved) => crew.tell(told, moved);
    try {
      const ready = await crew.spawn(0).ready;
      crew.port = ready.port;
      await Promise.all(Array.from({ length: count - 1 }, (_, index) => crew.spawn(index + 1).ready));
      return { crew, ready };
    } catch (thrown) {
      await crew.close();
      throw thrown;
    }
  }

  get stopping(): boolean {
    return this.parts.live.stopping;
  }

  /** Reads the config again: every worker takes it, or none does. True: it is live. One at a time. */
  reload(): Promise<boolean> {
    const { live, observer } = this.parts;
    return this.inTurn(async () => {
      const problems = await this.run(false);
      observer.reloaded(problems.length === 0, live.site.generation, problems, live.warnings);
      return problems.length === 0;
    });
  }

  /** Runs the files as they were read last and what the store has now. Its problems, a line each; none: it is live. */
  restore(): Promise<readonly string[]> {
    const { live } = this.parts;
    return this.inTurn(async () => (live.isCurrent ? [] : this.run(true)));
  }

  /** Uses these keys from now on; resolves when every worker does. */
  async ring(state: RingState): Promise<void> {
    const ring = this.parts.keeping.with(state);
    this.keys = ring;
    await Promise.all([...this.threads.values()].map((thread) => thread.ask({ kind: "ring", ring })));
  }

  /** The metrics of all threads as one page. */
  async page(): Promise<string> {
    const answers = await Promise.all([...this.threads.values()].map((thread) => thread.ask({ kind: "snapshot" })));
    const snapshots = answers.filter((one) => one !== undefined) as Snapshot[];
    return mergeSnapshots([await this.parts.metrics.snapshot(), ...snapshots]);
  }

  /** Lets every worker drain; resolves when all have ended. */
  async drain(): Promise<void> {
    this.parts.live.stop();
    const ended = [...this.threads.values()].map((thread) => thread.ended);
    for (const thread of this.threads.values()) thread.tell({ kind: "drain" });
    await Promise.all(ended);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.threads.values()].map((thread) => thread.terminate()));
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = this.work.then(act);
    this.work = next.catch(() => undefined);
    return next;
  }

  /** The main thread's site first, then all workers', or none. */
  private async run(asRead: boolean): Promise<readonly string[]> {
    const { live } = this.parts;
    const threads = [...this.threads.values()];
    let problems = await live.prepare(asRead);
    const given = live.given(true);
    if (problems.length === 0) {
      const answers = await Promise.all(threads.map((thread) => thread.ask({ kind: "prepare", ...given })));
      problems = answers.flatMap((answer) =>
        Array.isArray(answer) ? (answer as string[]) : ["a worker did not answer"],
      );
    }
    if (problems.length > 0) {
      for (const thread of threads) thread.tell({ kind: "abort" });
      live.abort();
      return problems;
    }
    // A worker that is started from here on begins with this; one that dies before it commits is started anew.
    this.given = given;
    live.commit();
    await Promise.all(threads.map((thread) => thread.ask({ kind: "commit" })));
    // One that was started since the others were asked began with what was before.
    const late = [...this.threads.values()].filter((thread) => !threads.includes(thread));
    await Promise.all(late.map((thread) => catchUp(thread, given)));
    return [];
  }

  /** Tells every worker what the registry says; what it names no more ends when all of them have heard it. */
  private tell(told: Told, moved: readonly string[]): Promise<unknown> {
    return this.inTurn(async () => {
      this.given = { ...this.given, told };
      await Promise.all([...this.threads.values()].map((thread) => thread.ask({ kind: "told", told, moved })));
    });
  }

  /** @param restartMs Set when it takes the place of one that died: it is tried until it lives. */
  private spawn(index: number, restartMs?: number): Thread {
    const { options, log, live, keeping, table } = this.parts;
    // Only what can be sent to a thread.
    const plain: StartOptions = { configPath: options.configPath, host: options.host, auth: options.auth };
    const { given, keys, port } = this;
    const start: WorkerStart = { options: plain, ...given, known: [...live.known], port, table, ring: keys };
    const thread = new Thread(start, {
      page: () => this.page(),
      admin: () => keeping.keeper?.api,
      stageFailed: (failed) => void keeping.keeper?.stageFailed(failed),
    });
    this.threads.set(index, thread);
    const born = performance.now();
    void thread.ended.then((why) => {
      this.threads.delete(index);
      if (this.stopping || this.closed || (restartMs === undefined && !thread.wasReady)) return;
      log.error({ worker: index, cause: why }, "a worker died and is started again");
      // One that lived for long begins anew with the short wait.
      const lived = performance.now() - born > RESTART_MS[1];
      const wait = restartMs === undefined || lived ? RESTART_MS[0] : restartMs;
      setTimeout(() => {
        if (!this.stopping && !this.closed)
          void this.spawn(index, Math.min(wait * 2, RESTART_MS[1])).ready.catch(() => {});
      }, wait);
    });
    return thread;
  }
}

/** Brings a worker that began with an older config to this one. One that cannot take it is started again, and begins with it. */
async function catchUp(thread: Thread, given: Given): Promise<void> {
  const problems = await thread.ask({ kind: "prepare", ...given });
  if (Array.isArray(problems) && problems.length === 0) await thread.ask({ kind: "commit" });
  else await thread.terminate();
}

/** Lets the workers hear what the main thread learns of a registry, once it has used it itself. */
export class Relay {
  to: (told: Told, moved: readonly string[]) => Promise<unknown> = () => Promise.resolve();

  around(follow: Follow | undefined): Follow | undefined {
    if (follow === undefined) return undefined;
    return {
      get served() {
        return follow.served;
      },
      get found() {
        return follow.found;
      },
      get degraded() {
        return follow.degraded;
      },
      first: (limitMs) => follow.first(limitMs),
      stop: () => follow.stop(),
      start: (told) =>
        follow.start(async (looked) => {
          await told(looked);
          await this.to(toldBy(follow), looked.moved);
        }),
    };
  }
}
