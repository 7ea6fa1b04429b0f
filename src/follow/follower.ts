import type { Clock, Timer } from "../core/clock.ts";
import type { ServedVersion } from "../core/provider.ts";
import { NotRunning, NotServed, NotYet, readRegistered } from "../core/registered.ts";
import type { Registry } from "./registry.ts";
import type { Follow, Looked, Told } from "./told.ts";

/** What a follower is made of. */
export interface Following {
  readonly registry: Pick<Registry, "find">;
  /** Names such as `models:/iris@champion`. */
  readonly names: readonly string[];
  /** Looks for further names, by the routes that they are to be, and adds to `left` what it leaves out and why. */
  readonly discover?: ((left: string[]) => Promise<ReadonlyMap<string, string>>) | undefined;
  readonly pollMs: number;
  readonly clock: Clock;
  /** What was known before, under the same names: it is used until the registry says something else. */
  readonly known?: Pick<Told, "served" | "found"> | undefined;
  /** Told, after each look and after what came of it was dealt with, which versions are in use. */
  readonly used?: ((versions: readonly ServedVersion[]) => void) | undefined;
  /** Called when it is stopped. */
  readonly stopped?: (() => void) | undefined;
}

interface Trouble {
  readonly down: boolean;
  /** Its server is started again. */
  readonly restarts: boolean;
  readonly why: string;
}

/** Stands for the discovery among the names that may have troubles. */
const DISCOVERY = "";

/** Follows the names of a registry: looks again and again, and keeps what it knew when there is no answer. */
export class Follower implements Follow {
  private readonly following: Following;
  private readonly versions: Map<string, ServedVersion>;
  /** Names by route. */
  private candidates: ReadonlyMap<string, string> = new Map();
  /** Why models are no routes, as told last. */
  private left: readonly string[] = [];
  /** By name. */
  private readonly troubles = new Map<string, Trouble>();
  private timer: Timer | undefined = undefined;
  private again: (() => void) | undefined = undefined;
  /** The first look, when nobody waited for its end. */
  private late: Promise<Looked> | undefined = undefined;
  private hurried = false;
  private stopped = false;

  constructor(following: Following) {
    const { names, discover, known } = following;
    this.following = following;
    if (discover && known) this.candidates = known.found;
    const all = [...names, ...this.candidates.values()].map((name) => [name, known?.served.get(name)] as const);
    this.versions = new Map(all.filter((one): one is [string, ServedVersion] => one[1] !== undefined));
  }

  get served(): ReadonlyMap<string, ServedVersion> {
    return this.versions;
  }

  get found(): ReadonlyMap<string, string> {
    return new Map([...this.candidates].filter(([, name]) => this.versions.has(name)));
  }

  get degraded(): readonly string[] {
    const down = [...this.troubles.values()].some((trouble) => trouble.down) ? ["mlflow registry"] : [];
    const missing = this.names().filter((name) => {
      const trouble = this.troubles.get(name);
      if (this.versions.has(name)) return trouble !== undefined && !trouble.down;
      // What was discovered and is served nowhere is no route, and nobody misses it.
      return this.following.names.includes(name) && !trouble?.down;
    });
    const said = (name: string) => (this.troubles.get(name)?.restarts ? `${name}: its server is started again` : name);
    return [...down, ...missing.map(said)];
  }

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
    const before = new Set([...this.troubles.keys()].map((name) => this.nameOf(name)));
    this.hurried = false;
    await this.discover(moved, problems);
    await Promise.all(this.names().map((name) => this.lookAt(name, moved, problems)));
    const now = new Set([...this.troubles.keys()].map((name) => this.nameOf(name)));
    const mended = [...before].filter((one) => !now.has(one)).map((one) => `${one}: well again`);
    return { moved, problems: [...new Set(problems)], mended };
  }

  /** Looks every `pollMs` and tells what a look came to, if it came to anything, before it looks again. */
  start(told: (looked: Looked) => Promise<void>): void {
    const { clock, pollMs } = this.following;
    const later = () => {
      if (this.hurried) void again();
      else this.timer = clock.after(pollMs, () => void again());
    };
    const again = async (looking = this.look()) => {
      this.timer = undefined;
      const looked = await looking;
      if (this.stopped) return;
      if (Object.values(looked).some((lines: readonly string[]) => lines.length > 0)) await told(looked);
      if (this.stopped) return;
      this.following.used?.([...this.versions.values()]);
      later();
    };
    this.again = () => void again();
    if (this.late) void again(this.late);
    else later();
  }

  /** There is something new: looks now, or as soon as the look that is under way has ended. */
  hurry(): void {
    this.hurried = true;
    if (this.timer === undefined || this.stopped) return;
    this.following.clock.cancel(this.timer);
    this.again?.();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== undefined) this.following.clock.cancel(this.timer);
    this.following.stopped?.();
  }

  private names(): readonly string[] {
    return [...new Set([...this.following.names, ...this.candidates.values()])];
  }

  /** What a trouble is of, for people. */
  private nameOf(name: string): string {
    return this.troubles.get(name)!.down ? "mlflow registry" : name;
  }

  private async discover(moved: string[], problems: string[]): Promise<void> {
    const { discover, names } = this.following;
    if (discover === undefined) return;
    const left: string[] = [];
    try {
      const found = await discover(left);
      this.troubles.delete(DISCOVERY);
      problems.push(...left.filter((why) => !this.left.includes(why)));
      this.left = left;
      const wanted = new Set([...names, ...found.values()]);
      for (const [route, name] of this.candidates) {
        if (found.get(route) === name) continue;
        if (this.versions.has(name)) moved.push(`${name} is not discovered any more: the route ${route} goes with it`);
        if (wanted.has(name)) continue;
        this.versions.delete(name);
        this.troubles.delete(name);
      }
      for (const [route, name] of found) {
        // Its version may be known by another route.
        if (this.candidates.get(route) !== name && this.versions.has(name)) moved.push(`the route ${route} is ${name}`);
      }
      this.candidates = found;
    } catch (thrown) {
      this.trouble(DISCOVERY, true, thrown, problems);
    }
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
      // What was served goes on to be, and is well: there is nothing to tell yet.
      if (thrown instanceof NotYet) this.troubles.delete(name);
      else this.trouble(name, !(thrown instanceof NotServed), thrown, problems);
    }
  }

  private trouble(name: string, down: boolean, thrown: unknown, problems: string[]): void {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const last = this.troubles.get(name);
    this.troubles.set(name, { down, restarts: thrown instanceof NotRunning, why });
    if (last?.why !== why) problems.push(down ? why : `${name}: ${why}`);
  }
}

function movement(name: string, before: ServedVersion | undefined, now: ServedVersion): string {
  const where = [now.url, ...(now.more ?? [])].join(", ");
  if (before === undefined) return `${name} is version ${now.version}, served at ${where}`;
  if (before.version !== now.version) {
    return `${name} moved from version ${before.version} to ${now.version}, served at ${where}`;
  }
  if (before.url !== now.url || before.more?.join() !== now.more?.join()) {
    return `${name} is still version ${now.version}, and served at ${where} now`;
  }
  return `${name} is still version ${now.version}, and its signature is known now`;
}
