import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { RateLimitSettingsSchema } from "../../../gen/policies/rate_limit/v1/settings_pb.js";
import { type FakeClock, fakeClock } from "../../../test/support/clock.ts";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { Arrival, Call } from "../../core/call.ts";
import { INFERENCE, principalOf } from "../../core/grants.ts";
import type { Counters } from "../../core/store.ts";
import { Ring } from "../../keyring.ts";
import { policy } from "./index.ts";
import { longWords, periodOf } from "./period.ts";

const keyOf = (name: string) => principalOf(name, "", [INFERENCE]);

type Settings = MessageInitShape<typeof RateLimitSettingsSchema>;

/** Counters by the book. */
function counting(clock: FakeClock): Counters {
  const all = new Map<string, { total: number; endsAt: number }>();
  return {
    add(key, by, windowMs) {
      const found = all.get(key);
      const one = found && found.endsAt > clock.now() ? found : { total: 0, endsAt: clock.now() + windowMs };
      one.total += by;
      all.set(key, one);
      return { total: one.total, leftMs: one.endsAt - clock.now() };
    },
  };
}

/** A route with a limit: `call` makes one and says what became of it. */
function limited(settings: Settings, counters?: Counters, clock = fakeClock(), route = "chat") {
  const shared = counters ?? counting(clock);
  const tools = { clock, wallNow: () => 0, random: () => 0, counters: shared, keys: new Ring(), route };
  const { before } = policy.compile(create(RateLimitSettingsSchema, settings), tools);
  const make = (over: Partial<Arrival>): Call => callOf(planOf([]), false, over);
  return {
    clock,
    call: (over: Partial<Arrival> = {}): unknown => {
      const one = make(over);
      return before!(one) ?? one;
    },
    later: (over: Partial<Arrival> = {}) => before!(make(over)),
  };
}

const refused = expect.objectContaining({ fault: expect.objectContaining({ reason: "RATE_EXCEEDED" }) });
const passed = expect.objectContaining({ quota: expect.anything() });

describe("rate_limit", () => {
  it("lets as many calls through as it says, refuses the next, and says when to come back", () => {
    const { call, clock } = limited({ calls: 2, renewalPeriod: "minute" });
    expect([call(), call()]).toEqual([passed, passed]);
    clock.advance(18_500);
    expect(call()).toMatchObject({
      message: 'Rate limit exceeded: 2 per 1 minute on the route "chat", 2 used; try again in 42 s.',
      fault: { reason: "RATE_EXCEEDED", quota: "2 per 1 minute", retryAfterMs: 41_500 },
    });
    clock.advance(41_500);
    expect(call()).toEqual(passed);
  });

  it("begins a period with its first call, and refused calls do not make it longer", () => {
    const { call, clock } = limited({ calls: 1, renewalPeriod: "second" });
    clock.advance(123_456.7);
    expect(call()).toEqual(passed);
    clock.advance(999);
    expect([call(), call(), call()]).toEqual([refused, refused, refused]);
    clock.advance(1);
    expect(call()).toEqual(passed);
  });

  it("notes what is left on the call, never less than nothing", () => {
    const { call, clock } = limited({ calls: 2, renewalPeriod: "hour" });
    expect(call()).toMatchObject({ quota: { limit: 2, left: 1, leftMs: 3_600_000 } });
    clock.advance(1_000);
    expect(call()).toMatchObject({ quota: { limit: 2, left: 0, leftMs: 3_599_000 } });
  });

  it("keeps the tighter of two limits on the call", () => {
    const clock = fakeClock();
    const counters = counting(clock);
    const tools = { clock, wallNow: () => 0, random: () => 0, counters, keys: new Ring(), route: "chat" };
    const compiled = [
      { calls: 3, renewalPeriod: "minute" },
      { calls: 100, renewalPeriod: "day" },
    ].map((one) => policy.compile(create(RateLimitSettingsSchema, one), tools));
    const call = callOf(planOf([]), false);
    for (const { before } of compiled) void before!(call);
    expect(call.quota).toMatchObject({ limit: 3, left: 2 });
  });

  it("refuses every call when it is 0", () => {
    const { call } = limited({ calls: 0, renewalPeriod: "minute" });
    expect(call()).toEqual(refused);
  });

  it("waits for counters that are elsewhere", async () => {
    const totals = [1, 2];
    const far: Counters = { add: async () => ({ total: totals.shift()!, leftMs: 500 }) };
    const { later } = limited({ calls: 1, renewalPeriod: "second" }, far);
    await expect(later()).resolves.toBeUndefined();
    await expect(later()).resolves.toMatchObject({ fault: { reason: "RATE_EXCEEDED", retryAfterMs: 500 } });
  });
});

describe("rate_limit counts", () => {
  const ann = { principal: keyOf("ann") };
  const bob = { principal: keyOf("bob") };

  it("each caller by itself, wherever it comes from", () => {
    const { call } = limited({ calls: 1, renewalPeriod: "minute" });
    expect([call({ ...ann, remote: "10.0.0.1" }), call({ ...bob, remote: "10.0.0.1" })]).toEqual([passed, passed]);
    expect(call({ ...ann, remote: "10.0.0.2" })).toEqual(refused);
  });

  it("callers whom nobody knows by their addresses, and never with one who has such a name", () => {
    const { call } = limited({ calls: 1, renewalPeriod: "minute" });
    expect([call({ remote: "10.0.0.1" }), call({ remote: "10.0.0.2" })]).toEqual([passed, passed]);
    expect(call({ principal: keyOf("10.0.0.1"), remote: "10.0.0.3" })).toEqual(passed);
    expect(call({ remote: "10.0.0.1" })).toEqual(refused);
  });

  it("all callers together by `endpoint`", () => {
    const { call } = limited({ calls: 1, renewalPeriod: "minute", key: "endpoint" });
    expect([call(ann), call(bob), call({ remote: "10.0.0.9" })]).toEqual([passed, refused, refused]);
  });

  it("an address by `address`, whoever calls from it", () => {
    const { call } = limited({ calls: 1, renewalPeriod: "minute", key: "address" });
    expect([call({ ...ann, remote: "10.0.0.1" }), call({ ...bob, remote: "10.0.0.1" })]).toEqual([passed, refused]);
    expect(call({ ...ann, remote: "10.0.0.2" })).toEqual(passed);
  });

  it("every address of an IPv6 network of 64 bits as one, and IPv4 in either writing", () => {
    const { call } = limited({ calls: 1, renewalPeriod: "minute" });
    expect(call({ remote: "2001:db8:0:1::1" })).toEqual(passed);
    for (const remote of [
      "2001:db8:0:1:ffff:0:0:9",
      "2001:DB8:0:1::",
      "2001:0db8:0000:0001:1:2:3:4",
      "2001:db8:0:1::a%eth0",
    ])
      expect(call({ remote })).toEqual(refused);
    for (const remote of ["2001:db8:0:2::1", "::1", "fe80::1%lo", "2001:db8::1", "127.0.0.1"])
      expect(call({ remote })).toEqual(passed);
    expect(call({ remote: "::ffff:127.0.0.1" })).toEqual(refused);
    expect(call({ remote: "::2" })).toEqual(refused);
  });

  it("each route by itself", () => {
    const clock = fakeClock();
    const counters = counting(clock);
    const settings = { calls: 1, renewalPeriod: "minute" };
    const [one, two] = ["a", "b"].map((route) => limited(settings, counters, clock, route));
    expect([one!.call(), two!.call(), one!.call()]).toEqual([passed, passed, refused]);
  });

  it("on after a reload; a change of `calls` alone keeps what was used", () => {
    const clock = fakeClock();
    const counters = counting(clock);
    const called = (settings: Settings) => limited(settings, counters, clock).call();
    expect(called({ calls: 2, renewalPeriod: "minute" })).toEqual(passed);
    expect(called({ calls: 2, renewalPeriod: "minute" })).toEqual(passed);
    expect(called({ calls: 2, renewalPeriod: "1 Minutes" })).toEqual(refused);
    expect(called({ calls: 4, renewalPeriod: "minute" })).toMatchObject({ quota: { left: 0 } });
    expect(called({ calls: 2, renewalPeriod: "hour" })).toEqual(passed);
  });
});

describe("renewal_period", () => {
  it.each([
    ["second", 1_000, "1 second"],
    ["minute", 60_000, "1 minute"],
    ["hour", 3_600_000, "1 hour"],
    ["day", 86_400_000, "1 day"],
    ["month", 2_592_000_000, "1 month"],
    ["year", 31_104_000_000, "1 year"],
    ["5 minutes", 300_000, "5 minute"],
    ["  10SECONDS ", 10_000, "10 second"],
  ])("takes %j, as MLflow does", (written, ms, text) => {
    expect(periodOf(written)).toEqual({ ms, text });
  });

  it.each([
    "",
    "fortnight",
    "minutely",
    "0 minutes",
    "-1 minute",
    "1.5 hours",
    "minute;100/hour",
    "60",
    "30s",
    "per minute",
  ])("refuses %j", (written) => {
    expect(periodOf(written)).toBeUndefined();
    const settings = create(RateLimitSettingsSchema, { calls: 1, renewalPeriod: written });
    expect(policy.check!(settings)).toEqual([
      { path: "renewal_period", message: expect.stringMatching(/^want second, minute, .* such as 5 minutes$/) },
    ]);
  });

  it("is told with the limit when it is over in words that fit its length", () => {
    expect([0.5, 1_000, 119_001, 120_001, 7_200_000, 7_200_001, 172_800_001].map(longWords)).toEqual([
      "1 s",
      "1 s",
      "120 s",
      "3 min",
      "120 min",
      "3 h",
      "3 days",
    ]);
  });
});

it("warns of a key that MLflow would ignore, and counts by user", () => {
  const settings = { calls: 1, renewalPeriod: "minute", key: "constructor" };
  expect(policy.check!(create(RateLimitSettingsSchema, settings))).toEqual([
    { path: "key", message: "not one of user, endpoint, address; read as user", warning: true },
  ]);
  const { call } = limited(settings);
  expect([call({ principal: keyOf("ann") }), call({ principal: keyOf("bob") })]).toEqual([passed, passed]);
  for (const key of ["", "user", "endpoint", "address"])
    expect(policy.check!(create(RateLimitSettingsSchema, { ...settings, key }))).toEqual([]);
});
