import { compile, kindOf } from "./compile.ts";
import { type Kinds, type Loaded, load } from "./config/load.ts";
import { formatProblem } from "./config/problems.ts";
import { type Watching, watch } from "./config/watch.ts";
import type { Hooks } from "./core/policy.ts";
import type { Provider, Tools } from "./core/provider.ts";
import type { Site } from "./core/site.ts";
import type { Dialer } from "./net/send.ts";
import { loadProvider, providerKinds } from "./registry.ts";

/** What a `LiveSite` is made of. */
export interface SiteParts {
  readonly path: string;
  readonly dialer: Dialer;
  readonly tools: Tools;
  readonly hooks: readonly Hooks[];
  /** Told when the system refuses to watch the file. */
  readonly watchFailed: (error: unknown) => void;
  /** Told of every reload: its problems as lines, none when it went live. */
  readonly reloaded: (ok: boolean, generation: number, problems: readonly string[]) => void;
}

/** A config file that was read, with its site or its problems. */
export interface Opened {
  readonly loaded: Loaded;
  readonly live: LiveSite | undefined;
}

/** Kinds of providers as the config layer asks for them, in any allowed spelling. */
export const kinds: Kinds = {
  names: () => providerKinds,
  async provider(spelling) {
    const kind = kindOf(spelling);
    return kind === undefined ? undefined : ((await loadProvider(kind)) as Awaited<ReturnType<Kinds["provider"]>>);
  },
};

/** Reads a config file and makes a site of it. */
export async function openSite(parts: SiteParts): Promise<Opened> {
  const loaded = await load(parts.path, { kinds });
  if (loaded.problems.length > 0) return { loaded, live: undefined };
  return { loaded, live: new LiveSite(parts, loaded, await build(parts, loaded, 1)) };
}

/** The current site: swapped whole on a reload, while calls finish on the one they began with. */
export class LiveSite {
  /** Read it once a request. */
  site: Site;
  /** True once the gateway was told to stop: new calls are refused. */
  stopping = false;
  private readonly parts: SiteParts;
  private readonly listeners = new Set<() => void>();
  private readonly watching: Watching;
  private work: Promise<boolean> = Promise.resolve(true);

  constructor(parts: SiteParts, loaded: Loaded, site: Site) {
    this.parts = parts;
    this.site = site;
    this.watching = watch(loaded, () => void this.reload());
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

  stop(): void {
    this.stopping = true;
    this.tell();
  }

  async close(): Promise<void> {
    await this.watching.close();
  }

  private async reloadNow(): Promise<boolean> {
    const { parts } = this;
    const generation = this.site.generation + 1;
    try {
      const loaded = await load(parts.path, { kinds });
      this.watching.follow(loaded);
      if (loaded.problems.length > 0) {
        parts.reloaded(false, this.site.generation, loaded.problems.map(formatProblem));
        return false;
      }
      this.site = await build(parts, loaded, generation);
    } catch (thrown) {
      parts.reloaded(false, this.site.generation, [String(thrown)]);
      return false;
    }
    parts.reloaded(true, generation, []);
    this.tell();
    return true;
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

async function build(parts: SiteParts, loaded: Loaded, generation: number): Promise<Site> {
  const providers = new Map<string, Provider<unknown>>();
  for (const model of loaded.models.keys()) {
    const kind = kindOf(model.provider)!;
    if (!providers.has(kind)) providers.set(kind, (await loadProvider(kind))!);
  }
  const { dialer, tools, hooks } = parts;
  const site = compile({ config: loaded.config, settings: loaded.models, providers, dialer, tools, hooks, generation });
  dialer.keep(new Set(site.origins));
  return site;
}
