import type { Call } from "./core/call.ts";
import type { GatewayError, Reason } from "./core/errors.ts";
import type { Plan } from "./core/plan.ts";
import type { Tools } from "./core/provider.ts";
import type { Site } from "./core/site.ts";
import type { Counted, Counters } from "./core/store.ts";
import type { StagedRoutes } from "./core/stored.ts";

/** That a staged revision failed too often, as it was counted. */
export interface StageFailed {
  readonly revision: number;
  readonly calls: number;
  readonly failures: number;
  readonly parentCalls: number;
  readonly parentFailures: number;
}

/** What a staged site is made of. */
export interface Staging {
  readonly live: Site;
  readonly staged: Site;
  readonly stage: StagedRoutes;
  /** Names of the routes that are not the same in both: their calls are counted, the others' say nothing. */
  readonly judged: ReadonlySet<string>;
  readonly tools: Pick<Tools, "random">;
  /** Shared by all workers, so that they judge together. */
  readonly counters: Counters;
  /** Told once. */
  readonly stageFailed: (failed: StageFailed) => void;
}

/** What a caller did, or asked for, and no state of the routes. */
const CALLERS: ReadonlySet<Reason> = new Set<Reason>([
  "CALLER_GONE",
  "CALLER_FORBIDDEN",
  "RATE_EXCEEDED",
  "BUDGET_SPENT",
  "SHUTTING_DOWN",
  "OVERLOADED",
]);

/** Whether the error says something about the state that the call ran on. What a caller does wrong fails on both alike. */
function counts({ fault }: GatewayError): boolean {
  return !CALLERS.has(fault.reason) && fault.limit !== "caller";
}

/**
 * A site of which `percent` of the calls run on the staged state and the rest on the live one. When more of the staged ones fail
 * than of the others, by more than the margin, over the window, nothing is staged any more and `stageFailed` is told.
 */
export function stagedSite(staging: Staging): Site {
  const { live, staged, stage, tools } = staging;
  const judge = new Judge(staging);
  const plans = new Map<Plan, Plan>();
  const counted = (plan: Plan, which: Which): Plan => {
    if (!staging.judged.has(plan.route)) return plan;
    let own = plans.get(plan);
    if (own === undefined) {
      own = Object.freeze({ ...plan, settle: [...plan.settle, (call: Call) => judge.count(which, call)] });
      plans.set(plan, own);
    }
    return own;
  };
  return Object.freeze<Site>({
    ...live,
    route: (name) => live.route(name) ?? (judge.over ? undefined : staged.route(name)),
    plan(op, name) {
      const young = !judge.over && tools.random() * 100 < stage.percent;
      return young ? counted(staged.plan(op, name), "staged") : counted(live.plan(op, name), "live");
    },
    origins: [...live.origins, ...staged.origins],
  });
}

type Which = "live" | "staged";

/** Counts the calls of both states and those that failed, over all workers, and says when it is enough. */
class Judge {
  over = false;
  private readonly staging: Staging;

  constructor(staging: Staging) {
    this.staging = staging;
  }

  count(which: Which, call: Call): void {
    if (this.over) return;
    void this.counted(which, call.error !== undefined && counts(call.error)).catch(() => {});
  }

  private async counted(which: Which, failed: boolean): Promise<void> {
    const calls = await this.add(which, "calls", 1);
    const failures = await this.add(which, "failures", failed ? 1 : 0);
    if (which === "live" || !failed) return;
    const { stage, stageFailed } = this.staging;
    if (calls < Math.max(1, stage.minCalls)) return;
    const parentCalls = await this.add("live", "calls", 0);
    const parentFailures = await this.add("live", "failures", 0);
    const parentRate = parentCalls === 0 ? 0 : parentFailures / parentCalls;
    if ((failures / calls - parentRate) * 100 <= stage.marginPercent || this.over) return;
    this.over = true;
    stageFailed({ revision: stage.revision, calls, failures, parentCalls, parentFailures });
  }

  private async add(which: Which, what: "calls" | "failures", by: number): Promise<number> {
    const { counters, stage } = this.staging;
    const counted: Counted | Promise<Counted> = counters.add(
      `stage ${stage.revision} ${which} ${what}`,
      by,
      stage.windowMs,
    );
    return (counted instanceof Promise ? await counted : counted).total;
  }
}
