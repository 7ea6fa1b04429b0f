import { formatProblem, type Problem } from "./config/problems.ts";
import { storedRouteOf } from "./config/stored.ts";
import type { LedgerReads } from "./core/ledger.ts";
import type { Stored, StoredRoute } from "./core/stored.ts";

/** Whether all that is wrong is wrong with routes of the store, which nobody could mend or remove while no gateway runs. */
export function isOfStore(problems: readonly Problem[]): boolean {
  return problems.length > 0 && problems.every((one) => storedRouteOf(one) !== undefined);
}

/** Routes of the store that a gateway could not start with, such as one that a newer gateway made: all others are served. */
export class LeftOut {
  /** By name, the revisions that they are from: one that was changed since is tried. */
  private readonly aside = new Map<string, number>();

  get names(): readonly string[] {
    return [...this.aside.keys()];
  }

  /** Takes the routes with problems out. @param tell Told each one with its problems, a line each. */
  from(
    stored: Stored,
    problems: readonly Problem[],
    tell: (route: string, problems: readonly string[]) => void,
  ): Stored {
    const bad = Map.groupBy(problems, storedRouteOf);
    const { live, staged } = stored;
    for (const { name, revision } of [...live.routes, ...(staged?.routes ?? [])]) {
      if (bad.has(name)) this.aside.set(name, revision);
    }
    for (const [name, wrong] of bad) tell(name!, wrong.map(formatProblem));
    const rest = { ...live, routes: this.usable(live.routes) };
    return staged ? { live: rest, staged: { ...staged, routes: this.usable(staged.routes) } } : { live: rest };
  }

  /** Without those that are left out. */
  usable(routes: readonly StoredRoute[]): readonly StoredRoute[] {
    return this.aside.size === 0 ? routes : routes.filter(({ name, revision }) => this.aside.get(name) !== revision);
  }

  /** Forgets those that were changed or removed since. */
  async forget(reads: LedgerReads): Promise<void> {
    for (const [name, revision] of this.aside)
      if ((await reads.route(name))?.revision !== revision) this.aside.delete(name);
  }
}
