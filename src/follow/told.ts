import type { ServedVersion } from "../core/provider.ts";

/** What a registry told so far. Plain data: it goes from thread to thread as it is. */
export interface Told {
  /** By name, such as `models:/iris@champion`; a name that the registry never told is absent. */
  readonly served: ReadonlyMap<string, ServedVersion>;
  /** Names by the routes that were discovered; all of them are served. */
  readonly found: ReadonlyMap<string, string>;
  /** What does not work as it should, for people: the registry, or names that it does not have. Empty: all is well. */
  readonly degraded: readonly string[];
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

/** Keeps up with a registry. */
export interface Follow extends Told {
  /** The first look, waited for no longer than `limitMs`; `undefined`: there is nothing to tell yet. */
  first(limitMs: number): Promise<Looked | undefined>;
  /** Goes on, and tells what came of it, one thing after the other was dealt with. */
  start(told: (looked: Looked) => Promise<void>): void;
  stop(): void;
}

/** A copy that can be sent. */
export function toldBy({ served, found, degraded }: Told): Told {
  return { served: new Map(served), found: new Map(found), degraded: [...degraded] };
}

/** Passes on what another thread learns of the registry. */
export class Echo implements Follow {
  private known: Told;
  private told: ((looked: Looked) => Promise<void>) | undefined = undefined;
  private readonly stopped: () => void;

  /** @param stopped Called when it is no longer needed. */
  constructor(known: Told, stopped: () => void) {
    this.known = known;
    this.stopped = stopped;
  }

  get served(): Told["served"] {
    return this.known.served;
  }
  get found(): Told["found"] {
    return this.known.found;
  }
  get degraded(): Told["degraded"] {
    return this.known.degraded;
  }

  first(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  start(told: (looked: Looked) => Promise<void>): void {
    this.told = told;
  }

  /** What is known now. Resolves when it was dealt with. */
  async tell(known: Told, moved: readonly string[]): Promise<void> {
    this.known = known;
    if (moved.length > 0) await this.told?.({ moved, problems: [], mended: [] });
  }

  stop(): void {
    this.stopped();
  }
}
