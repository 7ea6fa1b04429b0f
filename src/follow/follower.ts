import type { Clock, Timer } from "../core/clock.ts";
import type { ServedVersion } from "../core/provider.ts";
import { readRegistered } from "../core/registered.ts";
import { NotServed, type Registry } from "./registry.ts";

/** What a follower is made of. */
export interface Following {
  readonly registry: Pick<Registry, "find">;
  /** Names such as `models:/iris@champion`. */
  readonly names: readonly string[];
  readonly pollMs: number;
  readonly clock: Clock;
  /** What was known before, under the same names: it is used until the registry says something else. */
  readonly known?: ReadonlyMap<string, ServedVersion>;
}

/** What one look came to, as lines for the log. */
export interface Looked {
  /** What is another now than before. */
  readonly moved: readonly string[];
  /** What went wrong, when it is not what went wrong the last time. */
  readonly problems: readonly string[];
  /** What is well again. */
  readonly mended: readonly string[];
}

/** Follows the names of a registry: looks again and again, and keeps what it knew when there is no answer. */
export class Follower {
  private readonly following: Following;
  private readonly versions: Map<string, ServedVersion>;
  /** By name. */
  private readonly troubles = new Map<string, { readonly down: boolean; readonly why: string }>();
  private timer: Timer | undefined = undefined;
  /** The first look, when nobody waited for its end. */
  private late: Promise<Looked> | undefined = undefined;
  private stopped = false;

  constructor(following: Following) {
    this.following = following;
    const known = following.names.map((name) => [name, following.known?.get(name)] as const);
    this.versions = new Map(known.filter((one): one is [string, ServedVersion] => one[1] !== undefined));
  }

  /** By name, as the registry told it last; a name that it never told is absent. */
  get served(): ReadonlyMap<string, ServedVersion> {
    return this.versions;
  }

  /** What does not work as it should, for people: the registry, or names that it does not have. Empty: all is well. */
  get degraded(): readonly string[] {
    const all = [...this.troubles];
    const down = all.some(([, trouble]) => trouble.down) ? ["mlflow registry"] : [];
    const missing = this.following.names.filter((name) => {
      const trouble = this.troubles.get(name);
      return trouble === undefined ? !this.versions.has(name) : !trouble.down;
    });
    return [...down, ...missing];
  }

  /**
   * The first look, waited for no longer than `limitMs`, so that a registry that is silent holds up neither a start nor a
   * reload: what was known is used then, and `start` tells what the look came to after all.
   */
  async first(limitMs: number): Promise<Looked | undefined> {
    const { clock } = this.following;
    const looking = this.look();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = clock.after(limitMs, () => resolve(undefined));
    const looked = await Promise.race([looking, promise]);
    clock.cancel(timer);
    if (looked === undefined) this.late = looking;
    return looked;
  }

  /** Asks the registry for every name. Never rejects. */
  async look(): Promise<Looked> {
    const moved: string[] = [];
    const problems: string[] = [];
    const mended: string[] = [];
    const before = new Set(this.degraded);
    await Promise.all(this.following.names.map((name) => this.lookAt(name, moved, problems)));
    const now = this.degraded;
    for (const one of before) if (!now.includes(one)) mended.push(`${one}: well again`);
    return { moved, problems: [...new Set(problems)], mended };
  }

  /** Looks every `pollMs` and tells what a look came to, if it came to anything, before it looks again. */
  start(told: (looked: Looked) => Promise<void>): void {
    const { clock, pollMs } = this.following;
    const later = () => {
      this.timer = clock.after(pollMs, () => void again());
    };
    const again = async (looking = this.look()) => {
      const looked = await looking;
      if (this.stopped) return;
      if (Object.values(looked).some((lines: readonly string[]) => lines.length > 0)) await told(looked);
      if (!this.stopped) later();
    };
    if (this.late) void again(this.late);
    else later();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== undefined) this.following.clock.cancel(this.timer);
  }

  private async lookAt(name: string, moved: string[], problems: string[]): Promise<void> {
    try {
      const now = await this.following.registry.find(readRegistered(name)!);
      this.troubles.delete(name);
      const before = this.versions.get(name);
      if (JSON.stringify(before) === JSON.stringify(now)) return;
      this.versions.set(name, now);
      moved.push(movement(name, before, now));
    } catch (thrown) {
      const down = !(thrown instanceof NotServed);
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      const last = this.troubles.get(name);
      this.troubles.set(name, { down, why });
      if (last?.why !== why) problems.push(down ? why : `${name}: ${why}`);
    }
  }
}

function movement(name: string, before: ServedVersion | undefined, now: ServedVersion): string {
  if (before === undefined) return `${name} is version ${now.version}, served at ${now.url}`;
  if (before.version !== now.version) {
    return `${name} moved from version ${before.version} to ${now.version}, served at ${now.url}`;
  }
  if (before.url !== now.url) return `${name} is still version ${now.version}, and served at ${now.url} now`;
  return `${name} is still version ${now.version}, and its signature is known now`;
}
