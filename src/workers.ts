import { readFile } from "node:fs/promises";
import { authorityOf } from "./authority.ts";
import { ms } from "./compile.ts";
import { type Loaded, load } from "./config/load.ts";
import { formatProblem, type Problem } from "./config/problems.ts";
import { watch } from "./config/watch.ts";
import { type Follow, type Told, toldBy } from "./follow/told.ts";
import { Following } from "./following.ts";
import { realTools } from "./gateway.ts";
import { kinds } from "./kinds.ts";
import { assertFree } from "./net/free.ts";
import { Dialer } from "./net/send.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics, type Metrics, mergeSnapshots, type Snapshot } from "./observe/metrics.ts";
import { createObserver, type Observer } from "./observe/observer.ts";
import { loadStore } from "./registry.ts";
import { FIRST_LOOK_MS, warningsOf } from "./site.ts";
import { ConfigProblems, levelOf, type StartOptions, serveAdmin } from "./start.ts";
import { type Ready, Thread, type WorkerStart } from "./thread.ts";

/** Keys that are counted at a time, over all workers. */
const MAX_COUNTED_KEYS = 131_072;
/** A worker that dies is started again after this long, doubled up to the second figure while it keeps dying. */
const RESTART_MS = [100, 5_000] as const;

/** How often any free port is chosen anew. */
const ANY_PORT_TRIES = 5;

interface CrewParts {
  readonly options: StartOptions;
  readonly loaded: Loaded;
  readonly log: Log;
  /** Of the main thread. */
  readonly metrics: Metrics;
  readonly reloaded: Observer["reloaded"];
  readonly followed: Observer["followed"];
  readonly following: Following;
  /** Told when the system refuses to watch the files. */
  readonly watchFailed: (error: unknown) => void;
}

/** A crew that answers, and what to say of it. */
export interface Started {
  readonly crew: Crew;
  readonly ready: Ready;
  readonly warnings: readonly Problem[];
  /** Host and port of the admin listener as in a URL, which the main thread serves. */
  readonly admin: string | undefined;
  readonly close: () => Promise<void>;
}

/** Starts a crew of `count` workers. Throws `ConfigProblems`, or `WorkerFailed` with the system's code, such as EADDRINUSE. */
export async function startCrew(options: StartOptions, count: number): Promise<Started> {
  const { host, auth } = options;
  const loaded = await load(options.configPath, { kinds, serving: { host, auth } });
  if (loaded.problems.length > 0) throw new ConfigProblems(loaded.problems);
  const log = options.log ?? createLog();
  log.level = levelOf(loaded.config);
  log.redactValues(loaded.secrets);
  const metrics = createMetrics({ droppedLines: () => log.dropped });
  const { reloaded, followed, served } = createObserver({ log, metrics });
  const dialer = new Dialer(options.resolve);
  const following = new Following({ dialer, tools: realTools, served });
  const watchFailed = (error: unknown) => log.warn({ cause: String(error) }, "the config file cannot be watched");
  const { listen } = loaded.config;
  await assertFree(options.host ?? listen?.host, options.port ?? listen?.port);
  const parts = { options, loaded, log, metrics, reloaded, followed, following, watchFailed };
  const { crew, ready } = await startOnFree(parts, count).catch(async (thrown: unknown) => {
    await following.close();
    throw thrown;
  });
  reloaded(true, 1, []);
  const { admin } = loaded.config;
  const pages = { text: () => crew.page(), contentType: metrics.contentType };
  const port = admin && (await serveAdmin(admin, pages, crew));
  return {
    crew,
    ready,
    warnings: loaded.warnings,
    admin: port && authorityOf(admin.host, port.port),
    async close() {
      await crew.close();
      port?.cut();
      await following.close();
      await dialer.close();
      log.flush();
    },
  };
}

/** Starts the crew. A port that the system chose for the first worker may be lost to a stranger before the next one binds it. */
async function startOnFree(parts: CrewParts, count: number): Promise<{ crew: Crew; ready: Ready }> {
  for (let again = ANY_PORT_TRIES; ; again--) {
    try {
      return await Crew.start(parts, count);
    } catch (thrown) {
      const { port = parts.loaded.config.listen?.port } = parts.options;
      if (again === 0 || port !== 0 || (thrown as { code?: string }).code !== "EADDRINUSE") throw thrown;
    }
  }
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
  private readonly known: Set<string>;
  private generation = 1;
  private work: Promise<unknown> = Promise.resolve();
  private port: number | undefined;
  /** Asks MLflow's registry for all workers. */
  private follower: Follow | undefined;

  private constructor(parts: CrewParts, text: string, table: SharedArrayBuffer, follower: Follow | undefined) {
    this.parts = parts;
    this.text = text;
    this.known = new Set(parts.loaded.files);
    this.table = table;
    this.follower = follower;
    this.port = parts.options.port;
    this.drainMs = ms(parts.loaded.config.drainTimeout) ?? 30_000;
    this.watching = watch(parts.loaded, () => void this.reload(), parts.watchFailed);
  }

  /** Starts `count` workers; resolves when each listens. Rejects with `WorkerFailed`. */
  static async start(parts: CrewParts, count: number): Promise<{ crew: Crew; ready: Ready }> {
    const text = await readFile(parts.options.configPath, "utf8");
    const store = await loadStore("shared");
    const follower = await looking(parts, parts.loaded, undefined);
    const crew = new Crew(parts, text, store.share!(MAX_COUNTED_KEYS), follower);
    try {
      const ready = await crew.spawn(0).ready;
      crew.port = ready.port;
      await Promise.all(Array.from({ length: count - 1 }, (_, index) => crew.spawn(index + 1).ready));
      crew.follow();
      return { crew, ready };
    } catch (thrown) {
      await crew.close();
      throw thrown;
    }
  }

  /** What does not work as it should while calls are answered all the same, for people. */
  get degraded(): readonly string[] {
    return this.follower?.degraded ?? [];
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
    this.follower?.stop();
    await this.watching.close();
    await Promise.all([...this.threads.values()].map((thread) => thread.terminate()));
  }

  private async reloadNow(): Promise<boolean> {
    const { known } = this;
    const { options, reloaded } = this.parts;
    const [loaded, text] = await Promise.all([
      load(options.configPath, { kinds, known, serving: { host: options.host, auth: options.auth } }),
      readFile(options.configPath, "utf8").catch(() => ""),
    ]);
    this.watching.follow(loaded);
    for (const file of loaded.files) known.add(file);
    const warnings = warningsOf(loaded, this.parts.loaded.config);
    let problems: readonly string[] = loaded.problems.map(formatProblem);
    const threads = [...this.threads.values()];
    const follower = problems.length === 0 ? await looking(this.parts, loaded, this.follower) : undefined;
    const told = follower && toldBy(follower);
    if (problems.length === 0) {
      const answers = await Promise.all(threads.map((thread) => thread.ask({ kind: "prepare", text, told })));
      problems = answers.flatMap((answer) =>
        Array.isArray(answer) ? (answer as string[]) : ["a worker did not answer"],
      );
    }
    if (problems.length > 0) {
      for (const thread of threads) thread.tell({ kind: "abort" });
      follower?.stop();
      reloaded(false, this.generation, problems, warnings);
      return false;
    }
    this.parts.log.redactValues(loaded.secrets);
    // A worker that is started from here on begins with the new text; one that dies before it commits is started anew.
    this.text = text;
    this.generation++;
    await Promise.all(threads.map((thread) => thread.ask({ kind: "commit" })));
    // One that was started since the others were asked began with the old text.
    const late = [...this.threads.values()].filter((thread) => !threads.includes(thread));
    await Promise.all(late.map((thread) => catchUp(thread, text, told)));
    this.follower?.stop();
    this.follower = follower;
    this.follow();
    reloaded(true, this.generation, [], warnings);
    return true;
  }

  /** Tells every worker what the registry says; what it names no more ends when all of them have heard it. */
  private follow(): void {
    const { follower } = this;
    follower?.start((looked) => {
      this.parts.followed(looked);
      const { moved } = looked;
      const next = this.work.then(async () => {
        if (follower !== this.follower) return;
        const told = toldBy(follower);
        await Promise.all([...this.threads.values()].map((thread) => thread.ask({ kind: "told", told, moved })));
      });
      this.work = next.catch(() => undefined);
      return next;
    });
  }

  /** @param restartMs Set when it takes the place of one that died: it is tried until it lives. */
  private spawn(index: number, restartMs?: number): Thread {
    const { options, log } = this.parts;
    // Only what can be sent to a thread.
    const plain: StartOptions = { configPath: options.configPath, host: options.host, auth: options.auth };
    const { text, port, table, follower } = this;
    const told = follower && toldBy(follower);
    const start: WorkerStart = { options: plain, text, known: [...this.known], port, table, told };
    const thread = new Thread(start, () => this.page());
    this.threads.set(index, thread);
    const born = performance.now();
    void thread.ended.then((why) => {
      this.threads.delete(index);
      if (this.stopping || (restartMs === undefined && !thread.wasReady)) return;
      log.error({ worker: index, cause: why }, "a worker died and is started again");
      // One that lived for long begins anew with the short wait.
      const lived = performance.now() - born > RESTART_MS[1];
      const wait = restartMs === undefined || lived ? RESTART_MS[0] : restartMs;
      setTimeout(() => {
        if (!this.stopping) void this.spawn(index, Math.min(wait * 2, RESTART_MS[1])).ready.catch(() => {});
      }, wait);
    });
    return thread;
  }
}

/** Brings a worker that began with an older config to this one. One that cannot take it is started again, and begins with it. */
async function catchUp(thread: Thread, text: string, told: Told | undefined): Promise<void> {
  const problems = await thread.ask({ kind: "prepare", text, told });
  if (Array.isArray(problems) && problems.length === 0) await thread.ask({ kind: "commit" });
  else await thread.terminate();
}

/** What keeps up with the registry of a config, after its first look. */
async function looking(
  { following, followed }: CrewParts,
  loaded: Loaded,
  known: Told | undefined,
): Promise<Follow | undefined> {
  const follower = following.follow(loaded, known);
  const looked = await follower?.first(FIRST_LOOK_MS);
  if (looked) followed(looked);
  return follower;
}
