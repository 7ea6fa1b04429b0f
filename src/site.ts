import type { DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Config } from "../gen/polygate/config/v1/config_pb.js";
import { compile } from "./compile.ts";
import { type Kind, type Kinds, type Loaded, load, type PolicyKind, type Source } from "./config/load.ts";
import { formatProblem } from "./config/problems.ts";
import { processEnvironment } from "./config/secrets.ts";
import type { Owner } from "./config/stored.ts";
import { type Watching, watch } from "./config/watch.ts";
import { GatewayError } from "./core/errors.ts";
import type { Hooks, Policy } from "./core/policy.ts";
import type { Provider, SettingsProblem, Tools } from "./core/provider.ts";
import type { Site } from "./core/site.ts";
import type { Counters } from "./core/store.ts";
import type { KeyRing } from "./core/stored.ts";
import type { Follower, Looked } from "./follow/follower.ts";
import { followerOf } from "./following.ts";
import { realClock } from "./net/clock.ts";
import { egressOf } from "./net/egress.ts";
import type { Dialer } from "./net/send.ts";
import { loadPolicy, loadProvider, providerKindOf, providerKinds } from "./registry.ts";
import { changedSinceStart } from "./restart.ts";

/** What a `LiveSite` is made of. */
export interface SiteParts {
  /** What to read now; asked at every load. */
  readonly source: () => Source;
  /** Whether a change of the files leads to a reload by itself. */
  readonly watched: boolean;
  /** Absolute paths of files that loads before the first one read: their names are never taken for secrets. */
  readonly known?: readonly string[] | undefined;
  readonly dialer: Dialer;
  readonly tools: Tools;
  /** Of the limits; they outlive every reload. */
  readonly counters: Counters;
  /** Of the store; they outlive every reload. */
  readonly keys: KeyRing;
  readonly hooks: readonly Hooks[];
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
  /** Told what a look at MLflow's registry came to, when it came to anything. */
  readonly followed: (looked: Looked) => void;
}

/** A config file that was read, with its site or its problems. */
export interface Opened {
  readonly loaded: Loaded;
  readonly live: LiveSite | undefined;
}

/** Longest wait for MLflow's registry before a config goes live. */
const FIRST_LOOK_MS = 4_000;

/** Kinds of providers and policies as the config layer asks for them; a provider in any allowed spelling. */
export const kinds: Kinds = {
  names: () => providerKinds,
  async provider(spelling) {
    const kind = providerKindOf(spelling);
    const provider =
      kind === undefined ? undefined : ((await loadProvider(kind)) as (Provider<Message> & Kind) | undefined);
    return provider && { ...provider, dials: (settings, config, by) => refusedOrigin(provider, settings, config, by) };
  },
  policy: async (kind) => (await loadPolicy(kind)) as PolicyKind | undefined,
};

/** Why the settings name an origin that may not be dialed, when they do. Settings that cannot be opened have problems already. */
function refusedOrigin(
  provider: Provider<Message>,
  settings: Message,
  { egress }: Config,
  by: Owner["kind"],
): readonly SettingsProblem[] {
  try {
    const env = (name: string) => (by === "file" ? processEnvironment[name] : undefined);
    const { origin } = provider.open(settings, { clock: realClock, wallNow: Date.now, random: Math.random, env });
    const why = origin && egressOf(egress?.allow ?? [], by).refuseOrigin(origin);
    return why ? [{ path: nameOf(provider, settings, origin), message: why }] : [];
  } catch (thrown) {
    // A setting that only the environment could have given.
    const violations = thrown instanceof GatewayError ? (thrown.fault.violations ?? []) : [];
    return violations.map(({ field, description }) => ({ path: field, message: description }));
  }
}

/** The setting that names the origin; "" when it is not told in one of them. */
function nameOf(provider: Provider<Message>, settings: Message, origin: string): string {
  const values = reflect(provider.settings as DescMessage, settings);
  const names = values.fields.filter((field) => {
    const value: unknown = values.get(field);
    return typeof value === "string" && URL.canParse(value) && new URL(value).origin === origin;
  });
  return names[0]?.name ?? "";
}

/** Reads a config file and makes a site of it. */
export async function openSite(parts: SiteParts): Promise<Opened> {
  const loaded = await load(parts.source(), { kinds, known: new Set(parts.known) });
  if (loaded.problems.length > 0) return { loaded, live: undefined };
  const follower = followerOf(loaded, parts.dialer, parts.tools);
  const looked = await follower?.first(FIRST_LOOK_MS);
  if (looked) parts.followed(looked);
  const site = await build(parts, loaded, 1, follower);
  return { loaded, live: new LiveSite(parts, { loaded, site, follower }) };
}

/** A site and what it was made of. */
interface Made {
  readonly loaded: Loaded;
  readonly site: Site;
  readonly follower: Follower | undefined;
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
  private readonly known: Set<string>;
  /** What the gateway was started with. */
  private readonly started: Config;
  private made: Made;
  private prepared: Made | undefined = undefined;
  private generation: number;
  /** Of the last file that was read. */
  private warnings: readonly string[] = [];
  private work: Promise<boolean> = Promise.resolve(true);

  constructor(parts: SiteParts, made: Made) {
    const { loaded, site } = made;
    this.parts = parts;
    this.made = made;
    this.site = site;
    this.generation = site.generation;
    this.started = loaded.config;
    this.known = new Set([...(parts.known ?? []), ...loaded.files]);
    if (parts.watched) this.watching = watch(loaded, () => void this.reload(), parts.watchFailed);
    this.follow(made);
  }

  /** What does not work as it should while calls are answered all the same, for people. */
  get degraded(): readonly string[] {
    return this.made.follower?.degraded ?? [];
  }

  /** Calls `listener` after every swap, and when the gateway begins to stop. Returns how to stop listening. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Reads the file again. False: it has problems, which were told, and the old site stays. One at a time, in order. */
  reload(): Promise<boolean> {
    this.work = this.work.then(() => this.reloadNow());
    return this.work;
  }

  /** Reads the config again and makes a site of it, to be used by `commit`. Its problems, a line each; none: it is ready. */
  async prepare(): Promise<readonly string[]> {
    const { parts, known } = this;
    try {
      const loaded = await load(parts.source(), { kinds, known });
      this.watching?.follow(loaded);
      for (const file of loaded.files) known.add(file);
      this.warnings = warningsOf(loaded, this.started);
      if (loaded.problems.length > 0) return loaded.problems.map(formatProblem);
      const follower = followerOf(loaded, parts.dialer, parts.tools, this.made.follower?.served);
      const looked = await follower?.first(FIRST_LOOK_MS);
      if (looked) parts.followed(looked);
      const site = await build(parts, loaded, ++this.generation, follower);
      this.prepared = { loaded, site, follower };
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

  private swap(made: Made): void {
    this.made = made;
    this.site = made.site;
    this.parts.dialer.keep(new Set(this.site.origins));
    this.tell();
  }

  /** Makes a site anew when the registry says that a model is another: calls under way finish on the one they began with. */
  private follow({ loaded, follower }: Made): void {
    follower?.start((looked) => {
      this.parts.followed(looked);
      if (looked.moved.length === 0) return Promise.resolve();
      const next = this.work.then(async () => {
        if (follower !== this.made.follower) return true;
        const site = await build(this.parts, loaded, ++this.generation, follower);
        if (follower === this.made.follower) this.swap({ loaded, site, follower });
        return true;
      });
      this.work = next.catch(() => false);
      return this.work.then(() => undefined);
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

async function build(
  parts: SiteParts,
  loaded: Loaded,
  generation: number,
  follower: Follower | undefined,
): Promise<Site> {
  const providers = new Map<string, Provider<unknown>>();
  for (const model of loaded.models.keys()) {
    const kind = providerKindOf(model.provider)!;
    if (!providers.has(kind)) providers.set(kind, (await loadProvider(kind))!);
  }
  const policies = new Map<string, Policy<unknown>>();
  for (const { kind } of [...loaded.policies.values()].flat()) policies.set(kind, (await loadPolicy(kind))!);
  const { dialer, tools, counters, keys, hooks } = parts;
  const { config, models: settings, policies: uses, secrets, owners } = loaded;
  parts.secrets(secrets);
  const served = follower?.served ?? new Map();
  const made = { config, settings, uses, providers, policies, dialer, tools, counters, keys, hooks, served, owners };
  return compile({ ...made, generation, revision: generation });
}
