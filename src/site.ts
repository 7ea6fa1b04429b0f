import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import { type BuildParts, type Built, build, type Read, upToDate } from "./build.ts";
import type { Serving } from "./config/auth.ts";
import { type Loaded, load, type Source } from "./config/load.ts";
import { formatProblem, type Problem } from "./config/problems.ts";
import { type Watching, watch } from "./config/watch.ts";
import type { Site } from "./core/site.ts";
import type { Stored } from "./core/stored.ts";
import { type Follow, type Looked, type Told, toldBy } from "./follow/told.ts";
import { kinds } from "./kinds.ts";
import { changedSinceStart } from "./restart.ts";

/** What a `LiveSite` is made of. */
export interface SiteParts extends BuildParts {
  /** What to read now; asked at every load. */
  readonly source: () => Source;
  /** Whether a change of the files leads to a reload by itself. */
  readonly watched: boolean;
  /** Told when the watched files changed, in place of a reload. */
  readonly changed?: (() => void) | undefined;
  /** Absolute paths of files that loads before the first one read: their names are never taken for secrets. */
  readonly known?: readonly string[] | undefined;
  /** What the gateway was started with that its callers' keys depend on. */
  readonly serving?: Serving | undefined;
  /** What the store has now; asked at every load. Absent, or `undefined`: nothing, and revisions count loads. */
  readonly stored?: (() => Stored | undefined) | undefined;
  /** Told of a config without problems before it goes live, for what it may change in `stored`. Never throws. */
  readonly ready?: ((loaded: Loaded) => Promise<void>) | undefined;
  /** Told all that is wrong at the start: true, it is all of the store's routes, and `stored` is without those now. */
  readonly leaveOut?: ((problems: readonly Problem[]) => boolean) | undefined;
  /** What else does not work as it should, for people. */
  readonly troubles?: (() => readonly string[]) | undefined;
  /** Told every secret of a config before it is used. */
  readonly secrets: (values: readonly string[]) => void;
  /** Told when the system refuses to watch the file. */
  readonly watchFailed: (error: unknown) => void;
  /** Told of every reload: its problems as lines, none when it went live, and what else is to be said of the file. */
  readonly reloaded: (
    ok: boolean,
    generation: number,
    problems: readonly string[],
    warnings: readonly string[],
  ) => void;
  /** What keeps up with MLflow's registry for a config; `undefined`: it names nothing there. `known`: by the last one. */
  readonly follow?: (read: Pick<Loaded, "config" | "models">, known: Told | undefined) => Follow | undefined;
  /** Told what a look at MLflow's registry came to, when it came to anything. */
  readonly followed: (looked: Looked) => void;
}

/** What a site is made of, for another thread to make the same: plain data. */
export interface Given {
  /** The config file's text, so that every thread runs the same one whatever the file says by then. */
  readonly text: string;
  readonly stored: Stored | undefined;
  /** Of MLflow's registry; `undefined`: the config names nothing there. */
  readonly told: Told | undefined;
}

/** A config file that was read, with its site or its problems. */
export interface Opened {
  readonly loaded: Loaded;
  readonly live: LiveSite | undefined;
}

/** Longest wait for MLflow's registry before a config goes live. */
export const FIRST_LOOK_MS = 4_000;

/** Reads a config file and makes a site of it. */
export async function openSite(parts: SiteParts): Promise<Opened> {
  const known = new Set(parts.known);
  let read = await readAll(parts, parts.source(), known);
  if (problemsOf(read).length > 0) return { loaded: read.loaded, live: undefined };
  await parts.ready?.(read.loaded);
  const again = () => readAll(parts, textOf(read.loaded), known, read.loaded);
  read = await upToDate(read, parts.stored?.(), again);
  if (parts.leaveOut?.(problemsOf(read))) read = await again();
  const problems = problemsOf(read);
  if (problems.length > 0) return { loaded: { ...read.loaded, problems }, live: undefined };
  return { loaded: read.loaded, live: new LiveSite(parts, await make(parts, read, 1)) };
}

/** A site and what it was made of. */
interface Made extends Read, Built {
  readonly follower: Follow | undefined;
}

/** The config with what the store has, live and staged. @param files Of which load the watched files are, when the source is its text. */
async function readAll(
  parts: SiteParts,
  source: Source,
  known: ReadonlySet<string>,
  files?: Pick<Loaded, "files" | "digest">,
): Promise<Read> {
  const { serving } = parts;
  const stored = parts.stored?.();
  const loaded = await load(source, { kinds, known, stored: stored?.live.routes, serving });
  const staged =
    stored?.staged && (await load(textOf(loaded), { kinds, known, stored: stored.staged.routes, serving }));
  return { loaded: files ? { ...loaded, files: files.files, digest: files.digest } : loaded, staged, stored };
}

const textOf = ({ file, text }: Loaded): Source => ({ file, text });

const problemsOf = ({ loaded, staged }: Read) => [...loaded.problems, ...(staged?.problems ?? [])];

async function make(parts: SiteParts, read: Read, generation: number, before?: Follow): Promise<Made> {
  const { loaded, staged } = read;
  const models = new Map([...loaded.models, ...(staged?.models ?? [])]);
  const follower = parts.follow?.({ config: loaded.config, models }, before);
  const looked = await follower?.first(FIRST_LOOK_MS);
  if (looked) parts.followed(looked);
  parts.secrets([...loaded.secrets, ...(staged?.secrets ?? [])]);
  const built = await build(parts, read, generation, follower);
  return { ...read, ...built, follower };
}

/** The current site: swapped whole on a reload, while calls finish on the one they began with. */
export class LiveSite {
  /** Read it once a request. */
  site: Site;
  /** True once the gateway was told to stop: new calls are refused. */
  stopping = false;
  private readonly parts: SiteParts;
  private readonly listeners = new Set<() => void>();
  private readonly watching: Watching | undefined;
  /** Absolute paths of files that were read: their names are never taken for secrets. */
  readonly known: Set<string>;
  /** What the gateway was started with. */
  private readonly started: Config;
  private made: Made;
  private prepared: Made | undefined = undefined;
  private generation: number;
  /** What is to be said of the files that were read last. */
  warnings: readonly string[] = [];
  private work: Promise<unknown> = Promise.resolve();

  constructor(parts: SiteParts, made: Made) {
    const { loaded, site } = made;
    this.parts = parts;
    this.made = made;
    this.site = site;
    this.generation = site.generation;
    this.started = loaded.config;
    this.known = new Set([...(parts.known ?? []), ...loaded.files]);
    if (parts.watched) this.watching = watch(loaded, parts.changed ?? (() => void this.reload()), parts.watchFailed);
    this.follow(made);
  }

  /** The states that calls run on, for whoever looks into them. */
  get states(): Read & Built {
    return this.made;
  }

  /** What is live, or with `next` what was prepared, as another thread can be given it. */
  given(next = false): Given {
    const { loaded, stored, follower } = (next ? this.prepared : undefined) ?? this.made;
    return { text: loaded.text, stored, told: follower && toldBy(follower) };
  }

  /** What the command line said, which a config is judged with. */
  get serving(): SiteParts["serving"] {
    return this.parts.serving;
  }

  /** Whether it runs what the store has now. */
  get isCurrent(): boolean {
    return this.made.stored === this.parts.stored?.();
  }

  /** What does not work as it should while calls are answered all the same, for people. */
  get degraded(): readonly string[] {
    return [...(this.made.follower?.degraded ?? []), ...(this.parts.troubles?.() ?? [])];
  }

  /** Calls `listener` after every swap, and when the gateway begins to stop. Returns how to stop listening. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Reads the files again. False: they have problems, which were told, and the old site stays. One at a time, in order. */
  reload(): Promise<boolean> {
    return this.inTurn(() => this.reloadNow());
  }

  /** Makes a site of the files as they were read last and what the store has now. Its problems, a line each; none: it is live. */
  restore(): Promise<readonly string[]> {
    return this.inTurn(async () => {
      if (this.isCurrent) return [];
      const problems = await this.prepare(true);
      if (problems.length === 0) this.commit();
      return problems;
    });
  }

  /**
   * Reads the config again and makes a site of it, to be used by `commit`. Its problems, a line each; none: it is ready.
   *
   * @param asRead As the files were read last, whatever they say now.
   */
  async prepare(asRead = false): Promise<readonly string[]> {
    const { parts, known, made } = this;
    try {
      const again = (source: Source, files?: Loaded) => readAll(parts, source, known, files);
      let read = asRead ? await again(textOf(made.loaded), made.loaded) : await again(parts.source());
      if (!asRead) this.noted(read.loaded);
      if (problemsOf(read).length === 0) {
        await parts.ready?.(read.loaded);
        const { loaded } = read;
        read = await upToDate(read, parts.stored?.(), () => again(textOf(loaded), loaded));
      }
      const problems = problemsOf(read);
      if (problems.length > 0) return problems.map(formatProblem);
      this.prepared = await make(parts, read, ++this.generation, made.follower);
      return [];
    } catch (thrown) {
      return [String(thrown)];
    }
  }

  /** Uses the site that was prepared, if one was. */
  commit(): void {
    const { prepared } = this;
    if (prepared === undefined) return;
    this.prepared = undefined;
    this.made.follower?.stop();
    this.swap(prepared);
    this.follow(prepared);
  }

  /** Forgets the site that was prepared. */
  abort(): void {
    this.prepared?.follower?.stop();
    this.prepared = undefined;
  }

  stop(): void {
    this.stopping = true;
    this.tell();
  }

  async close(): Promise<void> {
    this.made.follower?.stop();
    await this.watching?.close();
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const next = this.work.then(act);
    this.work = next.catch(() => undefined);
    return next;
  }

  private noted(loaded: Loaded): void {
    this.watching?.follow(loaded);
    for (const file of loaded.files) this.known.add(file);
    this.warnings = warningsOf(loaded, this.started);
  }

  private swap(made: Made): void {
    this.made = made;
    this.site = made.site;
    this.parts.dialer.keep(new Set(this.site.origins));
    this.tell();
  }

  /** Makes a site anew when the registry says that a model is another: calls under way finish on the one they began with. */
  private follow({ follower }: Made): void {
    follower?.start((looked) => {
      this.parts.followed(looked);
      if (looked.moved.length === 0) return Promise.resolve();
      const next = this.inTurn(async () => {
        if (follower !== this.made.follower) return;
        const built = await build(this.parts, this.made, ++this.generation, follower);
        if (follower === this.made.follower) this.swap({ ...this.made, ...built });
      });
      return next.catch(() => undefined);
    });
  }

  private async reloadNow(): Promise<boolean> {
    const problems = await this.prepare();
    const ok = problems.length === 0;
    if (ok) this.commit();
    this.parts.reloaded(ok, this.site.generation, problems, this.warnings);
    return ok;
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** What is to be said of a file that was read again: its own warnings, and what it cannot change in a gateway that runs. */
export function warningsOf({ config, problems, warnings, file }: Loaded, started: Config): readonly string[] {
  const why = "changed, and read at start only; the gateway goes on with what it was started with";
  // A file with problems is not whole.
  const changed = problems.length > 0 ? [] : changedSinceStart(started, config);
  return [...warnings.map(formatProblem), ...changed.map((path) => `${file} ${path}: ${why}`)];
}
