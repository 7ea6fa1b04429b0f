import { describe, expect, it } from "vitest";
import { siteOf } from "../test/support/door.ts";
import { callOf, targetOf } from "../test/support/plan.ts";
import { errors, type GatewayError } from "./core/errors.ts";
import type { StagedRoutes } from "./core/stored.ts";
import { type StageFailed, stagedSite } from "./staged.ts";
import { store } from "./stores/memory/index.ts";

const STAGE: StagedRoutes = { revision: 8, routes: [], percent: 25, marginPercent: 10, windowMs: 1000, minCalls: 4 };
const never = targetOf(() => ({ pause() {}, resume() {}, abort() {} }));
const routes = ["chat", "other"].map((name) => ({ name, type: "llm/v1/chat" as const, targets: [never] }));

/** Two states, drawn from by `draw`, on a clock that the test moves. */
function staging(over: Partial<StagedRoutes> = {}) {
  const draw = { next: 0 };
  const time = { now: 0 };
  const told: StageFailed[] = [];
  const counters = store.openCounters!({ now: () => time.now }, 100);
  const states = [siteOf(routes, { revision: 7 }), siteOf(routes, { revision: 8 })] as const;
  // One for each of two workers, which count together.
  const sites = [0, 1].map(() =>
    stagedSite({
      live: states[0],
      staged: states[1],
      stage: { ...STAGE, ...over },
      judged: new Set(["chat"]),
      tools: { random: () => draw.next },
      counters,
      stageFailed: (failed) => told.push(failed),
    }),
  );
  const call = async (which: "live" | "staged", error?: GatewayError, { route = "chat", worker = 0 } = {}) => {
    draw.next = which === "staged" ? 0 : 0.99;
    const one = callOf(sites[worker]!.plan("chat", route), false);
    one.error = error;
    for (const settle of one.plan.settle) settle(one);
    await Promise.resolve();
    await Promise.resolve();
    await new Promise(setImmediate);
  };
  return { site: sites[0]!, draw, time, told, call };
}

const broken = errors.upstreamFailed("The provider failed.");

describe("a staged site", () => {
  it("runs its share of the calls on the staged state, and the rest on the live one", () => {
    const { site, draw } = staging();
    const plans = Array.from({ length: 100 }, (_, index) => {
      draw.next = index / 100;
      return site.plan("chat", "chat");
    });
    const counts = new Map<unknown, number>();
    for (const { settle } of plans) counts.set(settle, (counts.get(settle) ?? 0) + 1);
    expect([...counts.values()]).toEqual([25, 75]);
  });

  it("is given up once when more calls fail than the parent's by over the margin, counted over all workers", async () => {
    const { call, told } = staging();
    for (let i = 0; i < 10; i++) await call("live", i === 0 ? broken : undefined);
    await call("staged", broken, { worker: 0 });
    await call("staged", undefined, { worker: 1 });
    await call("staged", undefined, { worker: 0 });
    expect(told).toEqual([]);
    await call("staged", broken, { worker: 1 });
    expect(told).toEqual([{ revision: 8, calls: 4, failures: 2, parentCalls: 10, parentFailures: 1 }]);
    await call("staged", broken, { worker: 1 });
    expect(told).toHaveLength(1);
  });

  it("stays while it fails no more than its parent, or within the margin", async () => {
    const { call, told } = staging();
    for (let i = 0; i < 10; i++) await call("live", i < 5 ? broken : undefined);
    for (let i = 0; i < 10; i++) await call("staged", i < 6 ? undefined : broken);
    for (let i = 0; i < 2; i++) await call("staged", broken);
    expect(told).toEqual([]);
  });

  it("is judged by enough calls within one window", async () => {
    const { call, told, time } = staging();
    for (let i = 0; i < 3; i++) await call("staged", broken);
    time.now = 1001;
    for (let i = 0; i < 3; i++) await call("staged", broken);
    expect(told).toEqual([]);
    await call("staged", broken);
    expect(told).toMatchObject([{ calls: 4, failures: 4 }]);
  });

  it("is not judged by what its callers do, nor by routes that are the same", async () => {
    const { call, told } = staging();
    for (let i = 0; i < 10; i++) await call("staged", errors.callerGone());
    for (let i = 0; i < 10; i++) await call("staged", errors.deadline("late", "caller"));
    for (let i = 0; i < 10; i++) await call("staged", broken, { route: "other" });
    expect(told).toEqual([]);
  });
});
