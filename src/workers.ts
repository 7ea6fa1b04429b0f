import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { ms } from "./compile.ts";
import { type Loaded, load } from "./config/load.ts";
import { formatProblem, type Problem } from "./config/problems.ts";
import { watch } from "./config/watch.ts";
import { assertFree } from "./net/free.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics, type Metrics, mergeSnapshots, type Snapshot } from "./observe/metrics.ts";
import { createObserver, type Observer } from "./observe/observer.ts";
import { loadStore } from "./registry.ts";
import { kinds } from "./site.ts";
import { ConfigProblems, type StartOptions, serveAdmin } from "./start.ts";

/** Keys that are counted at a time, over all workers. */
const MAX_COUNTED_KEYS = 131_072;
/** How long a worker may take to answer a question. */
const ANSWER_MS = 10_000;
/** A worker that dies is started again after this long, doubled up to the second figure while it keeps dying. */
const RESTART_MS = [100, 5_000] as const;

/** What a worker is started with. */
export interface WorkerStart {
  readonly options: StartOptions;
  /** The config file's text, so that every worker runs the same one whatever the file says by then. */
  readonly text: string;
  readonly port: number | undefined;
  readonly table: SharedArrayBuffer;
}

/** From the crew to a worker. `id` is given back with the answer. */
export type Order =
  | { readonly kind: "prepare"; readonly id: number; readonly text: string }
  | { readonly kind: "commit" | "snapshot"; readonly id: number }
  | { readonly kind: "abort" | "drain" }
  | { readonly kind: "page"; readonly id: number; readonly text: string };

/** From a worker to the crew. */
export type Report =
  | {
      readonly kind: "ready";
      readonly port: number;
      readonly host: string;
      readonly secure: boolean;
      readonly chat: string | undefined;
    }
  | { readonly kind: "failed"; readonly message: string; readonly facts: object }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "page"; readonly id: number };

export type Ready = Extract<Report, { kind: "ready" }>;

/** A worker could not start, for the reason that the system gave, such as EADDRINUSE. */
export class WorkerFailed extends Error {
  constructor(message: string, facts: object) {
    super(message);
    this.name = "WorkerFailed";
    Object.assign(this, facts);
  }
}

interface CrewParts {
  readonly options: StartOptions;
  readonly loaded: Loaded;
  readonly log: Log;
  /** Of the main thread. */
  readonly metrics: Metrics;
  readonly reloaded: Observer["reloaded"];
}

/** A crew that answers, and what to say of it. */
export interface Started {
  readonly crew: Crew;
  readonly ready: Ready;
  readonly warnings: readonly Problem[];
  /** Host and port of the admin listener, which the main thread serves. */
  readonly admin: string | undefined;
  close(): Promise<void>;
}

/** Starts a crew of `count` workers. Throws `ConfigProblems`, or `WorkerFailed` with the system's code, such as EADDRINUSE. */
export async function startCrew(options: StartOptions, count: number): Promise<Started> {
  const loaded = await load(options.configPath, { kinds });
  if (loaded.problems.length > 0) throw new ConfigProblems(loaded.problems);
  const log = options.log ?? createLog();
  const metrics = createMetrics({ droppedLines: () => log.dropped });
  const { reloaded } = createObserver({ log, metrics });
  const { listen } = loaded.config;
  await assertFree(options.host ?? listen?.host, options.port ?? listen?.port);
  const { crew, ready } = await Crew.start({ options, loaded, log, metrics, reloaded }, count);
  reloaded(true, 1, []);
  const { admin } = loaded.config;
  const pages = { text: () => crew.page(), contentType: metrics.contentType };
  const port = admin && (await serveAdmin(admin, pages, crew));
  return {
    crew,
    ready,
    warnings: loaded.warnings,
    admin: port && `${admin.host}:${port.port}`,
    async close() {
      await crew.close();
      port?.cut();
      log.flush();
    },
  };
}

/**
 * Several threads that answer on one port, each with its own event loop; the kernel spreads connections over them
 * (SO_REUSEPORT). They share counters by memory, run the same config or the old one, and are started again when they die.
 */
export class Crew {
  readonly drainMs: number;
  stopping = false;
  private readonly parts: CrewParts;
  private readonly table: SharedArrayBuffer;
  /** By number, from 0. One that died is absent until it is started again. */
  readonly threads = new Map<number, Thread>();
  private readonly watching: { follow(read: Loaded): void; close(): Promise<void> };
  private text: string;
  private generation = 1;
  private work: Promise<unknown> = Promise.resolve();
  private port: number | undefined;

  private constructor(parts: CrewParts, text: string, table: SharedArrayBuffer) {
    this.parts = parts;
    this.text = text;
    this.table = table;
    this.port = parts.options.port;
    this.drainMs = ms(parts.loaded.config.drainTimeout) ?? 30_000;
    this.watching = watch(parts.loaded, () => void this.reload());
  }

  /** Starts `count` workers; resolves when each listens. Rejects with `WorkerFailed`. */
  static async start(parts: CrewParts, count: number): Promise<{ crew: Crew; ready: Ready }> {
    const text = await readFile(parts.options.configPath, "utf8");
    const store = await loadStore("shared");
    const crew = new Crew(parts, text, store.share!(MAX_COUNTED_KEYS));
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

  /** Reads the config again: every worker takes it, or none does. True: it is live. One at a time. */
  reload(): Promise<boolean> {
    const next = this.work.then(() => this.reloadNow());
    this.work = next.catch(() => false);
    return next;
  }

  /** The metrics of all threads as one page. */
  async page(): Promise<string> {
    const answers = await Promise.all([...this.threads.values()].map((thread) => thread.ask({ kind: "snapshot" })));
    const snapshots = answers.filter((one) => one !== undefined) as Snapshot[];
    return mergeSnapshots([await this.parts.metrics.snapshot(), ...snapshots]);
  }

  /** Lets every worker drain; resolves when all have ended. */
  async drain(): Promise<void> {
    this.stopping = true;
    await this.watching.close();
    const ended = [...this.threads.values()].map((thread) => thread.ended);
    for (const thread of this.threads.values()) thread.tell({ kind: "drain" });
    await Promise.all(ended);
  }

  async close(): Promise<void> {
    this.stopping = true;
    await this.watching.close();
    await Promise.all([...this.threads.values()].map((thread) => thread.terminate()));
  }

  private async reloadNow(): Promise<boolean> {
    const { options, reloaded } = this.parts;
    const [loaded, text] = await Promise.all([
      load(options.configPath, { kinds }),
      readFile(options.configPath, "utf8").catch(() => ""),
    ]);
    this.watching.follow(loaded);
    let problems: readonly string[] = loaded.problems.map(formatProblem);
    const threads = [...this.threads.values()];
    if (problems.length === 0) {
      const answers = await Promise.all(threads.map((thread) => thread.ask({ kind: "prepare", text })));
      problems = answers.flatMap((answer) =>
        Array.isArray(answer) ? (answer as string[]) : ["a worker did not answer"],
      );
    }
    if (problems.length > 0) {
      for (const thread of threads) thread.tell({ kind: "abort" });
      reloaded(false, this.generation, problems);
      return false;
    }
    // A worker that is started from here on begins with the new text; one that dies before it commits is started anew.
    this.text = text;
    this.generation++;
    await Promise.all(threads.map((thread) => thread.ask({ kind: "commit" })));
    reloaded(true, this.generation, []);
    return true;
  }

  private spawn(index: number, restartMs: number = RESTART_MS[0]): Thread {
    const { options, log } = this.parts;
    // Only what can be sent to a thread.
    const plain: StartOptions = { configPath: options.configPath, host: options.host };
    const start: WorkerStart = { options: plain, text: this.text, port: this.port, table: this.table };
    const thread = new Thread(start, () => this.page());
    this.threads.set(index, thread);
    const born = performance.now();
    void thread.ended.then((why) => {
      this.threads.delete(index);
      if (this.stopping || !thread.wasReady) return;
      log.error({ worker: index, cause: why }, "a worker died and is started again");
      // One that lived for long begins anew with the short wait.
      const wait = performance.now() - born > RESTART_MS[1] ? RESTART_MS[0] : restartMs;
      setTimeout(() => {
        if (!this.stopping) void this.spawn(index, Math.min(wait * 2, RESTART_MS[1])).ready.catch(() => {});
      }, wait);
    });
    return thread;
  }
}

/** One worker thread, seen from the main one. */
class Thread {
  readonly ready: Promise<Ready>;
  /** Resolves with why, when it has ended. */
  readonly ended: Promise<string>;
  wasReady = false;
  private readonly worker: Worker;
  private readonly answers = new Map<number, (value: unknown) => void>();
  private next = 1;

  constructor(start: WorkerStart, page: () => Promise<string>) {
    const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.worker = new Worker(new URL(`./worker.${ending}`, import.meta.url), { workerData: start });
    const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>();
    this.ready = ready;
    let why = "";
    this.ended = new Promise((done) => {
      this.worker.on("error", (error) => {
        why = String(error);
      });
      this.worker.on("exit", (code) => {
        for (const answer of this.answers.values()) answer(undefined);
        reject(new WorkerFailed(`a worker ended with ${why || code}`, {}));
        done(why || `exit code ${code}`);
      });
    });
    this.worker.on("message", (report: Report) => {
      if (report.kind === "ready") {
        this.wasReady = true;
        resolve(report);
      } else if (report.kind === "failed") reject(new WorkerFailed(report.message, report.facts));
      else if (report.kind === "answer") this.answers.get(report.id)?.(report.value);
      else void page().then((text) => this.tell({ kind: "page", id: report.id, text }));
    });
  }

  tell(order: Order): void {
    this.worker.postMessage(order);
  }

  /** The answer; `undefined`: it died, or took too long. */
  ask(order: { kind: "prepare"; text: string } | { kind: "commit" | "snapshot" }): Promise<unknown> {
    const id = this.next++;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, undefined);
      this.answers.set(id, (value) => {
        clearTimeout(timer);
        this.answers.delete(id);
        resolve(value);
      });
      this.tell({ ...order, id } as Order);
    });
  }

  /** Ends it at once, calls under way and all. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }
}
