import { expect, it } from "vitest";
import { callOf, planOf, targetOf } from "../../test/support/plan.ts";
import { errors, GatewayError } from "../core/errors.ts";
import { createMetrics, type Metrics, mergeSnapshots } from "./metrics.ts";
import type { Outcome } from "./outcomes.ts";

const exchangeless = () => ({ pause() {}, resume() {}, abort() {} });
const target = targetOf(exchangeless);
const plan = planOf([target]);
const OK: Outcome = { protocol: "openai", status: 200, reason: "" };
const open = (maxSeries?: number) => createMetrics({ process: false, ...(maxSeries !== undefined && { maxSeries }) });

/** The page's lines that start so, without comments. */
async function lines(metrics: Metrics, start: string): Promise<string[]> {
  const page = await metrics.text();
  return page.split("\n").filter((line) => line.startsWith(start));
}

function finished(stream = false) {
  const call = callOf(plan, stream);
  call.target = target;
  return call;
}

it("counts a call by its target and outcome", async () => {
  const metrics = open();
  metrics.ended(OK, finished(), 5);
  metrics.ended(OK, finished(), 5);
  metrics.ended({ protocol: "grpc", status: 502, reason: "UPSTREAM_FAILED" }, finished(), 5);
  const own = 'operation="chat",route="chat",provider="fake",model="model-0"';
  expect(await lines(metrics, "polygate_requests_total")).toEqual([
    `polygate_requests_total{protocol="openai",${own},status="200",reason=""} 2`,
    `polygate_requests_total{protocol="grpc",${own},status="502",reason="UPSTREAM_FAILED"} 1`,
  ]);
});

it("counts what never became a call under empty names", async () => {
  const metrics = open();
  metrics.ended({ protocol: "openai", status: 404, reason: "ROUTE_UNKNOWN" }, undefined, 5);
  expect(await lines(metrics, "polygate_requests_total")).toEqual([
    'polygate_requests_total{protocol="openai",operation="",route="",provider="",model="",status="404",reason="ROUTE_UNKNOWN"} 1',
  ]);
  expect(await lines(metrics, "polygate_request_duration_seconds_")).toEqual([]);
});

it("puts durations into cumulative buckets, in seconds", async () => {
  const metrics = open();
  for (const ms of [5, 10, 15, 100_000]) metrics.ended(OK, finished(), ms);
  const rows = await lines(metrics, "polygate_request_duration_seconds_");
  const of = (suffix: string) =>
    rows
      .find((row) => row.includes(suffix))
      ?.split(" ")
      .at(-1);
  expect([of('le="0.01"'), of('le="0.02"'), of('le="81.92"'), of('le="+Inf"'), of("_sum"), of("_count")]).toEqual([
    "2",
    "3",
    "3",
    "4",
    "100.03",
    "4",
  ]);
});

it("measures the first token of streams alone", async () => {
  const metrics = open();
  const stream = finished(true);
  stream.firstByteAt = 40;
  const whole = finished(false);
  whole.firstByteAt = 40;
  metrics.ended(OK, stream, 90);
  metrics.ended(OK, whole, 90);
  const rows = await lines(metrics, "polygate_time_to_first_token_seconds_");
  expect(rows.filter((row) => /_count|_sum|le="0.0[24]"/.test(row)).map((row) => row.split(" ").at(-1))).toEqual([
    "0",
    "1",
    "0.04",
    "1",
  ]);
});

it("adds up tokens by type and has no series for what the provider did not say", async () => {
  const metrics = open();
  for (let i = 0; i < 2; i++) {
    const call = finished();
    call.usage = { promptTokens: 10, completionTokens: 3, totalTokens: 13, cachedTokens: 4 };
    metrics.ended(OK, call, 5);
  }
  const rows = await lines(metrics, "polygate_tokens_total");
  expect(rows.map((row) => [/type="(\w+)"/.exec(row)?.[1], row.split(" ").at(-1)])).toEqual([
    ["input", "20"],
    ["output", "6"],
    ["cached", "8"],
  ]);
});

it("counts a provider's faults, and neither a caller's deadline nor a refusal of ours", async () => {
  const metrics = open();
  metrics.fault(finished(), errors.upstreamFailed("no"));
  metrics.fault(finished(), errors.deadline("slow", "first_byte"));
  metrics.fault(finished(), errors.deadline("slow", "caller"));
  metrics.fault(finished(), new GatewayError("no", { reason: "GUARDRAIL_DENIED" }));
  expect(await lines(metrics, "polygate_upstream_faults_total")).toEqual([
    'polygate_upstream_faults_total{provider="fake",route="chat",reason="UPSTREAM_FAILED"} 1',
    'polygate_upstream_faults_total{provider="fake",route="chat",reason="DEADLINE_PASSED"} 1',
  ]);
});

it("counts reloads and their failures, but not the start", async () => {
  const metrics = open();
  metrics.loaded(true, 1);
  metrics.loaded(true, 2);
  metrics.loaded(false, 2);
  expect(await lines(metrics, "polygate_config_")).toEqual([
    "polygate_config_generation 2",
    "polygate_config_reloads_total 2",
    "polygate_config_reload_failures_total 1",
  ]);
});

it("shows how many exchanges are in flight", async () => {
  const metrics = open();
  metrics.began();
  metrics.began();
  metrics.ended(OK, undefined, 1);
  expect(await lines(metrics, "polygate_requests_in_flight")).toEqual(["polygate_requests_in_flight 1"]);
});

it("counts the same series after a reload made new targets of the same names", async () => {
  const metrics = open();
  metrics.ended(OK, finished(), 5);
  const anew = callOf(planOf([targetOf(exchangeless)]), false);
  anew.target = targetOf(exchangeless);
  metrics.ended(OK, anew, 5);
  const rows = await lines(metrics, "polygate_requests_total");
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatch(/ 2$/);
});

it("counts everything beyond the cap as other, and loses none", async () => {
  const metrics = open(3);
  for (let i = 0; i < 10; i++) {
    const call = callOf(planOf([], { route: `route-${i}` }), false);
    metrics.ended(OK, call, 5);
    metrics.ended(OK, call, 5);
  }
  const rows = await lines(metrics, "polygate_requests_total");
  expect(rows).toHaveLength(4);
  expect(rows[3]).toBe(
    'polygate_requests_total{protocol="other",operation="other",route="other",provider="other",model="other",status="other",reason="other"} 14',
  );
});

it("escapes a name that would break a line of the page", async () => {
  const metrics = open();
  metrics.ended(OK, callOf(planOf([], { route: 'a"\nb' }), false), 5);
  expect(await lines(metrics, "polygate_requests_total")).toEqual([
    expect.stringContaining(String.raw`route="a\"\nb"`),
  ]);
});

it("adds up the snapshots of several processes, and takes the newest generation", async () => {
  const [one, two] = [open(), open()];
  for (const metrics of [one, two]) metrics.ended(OK, finished(), 5);
  one.loaded(true, 1);
  two.loaded(true, 2);
  const sent = JSON.parse(JSON.stringify([await one.snapshot(), await two.snapshot()])) as object[][];
  const page = await mergeSnapshots(sent);
  expect(page).toMatch(/polygate_requests_total\{.*status="200".*\} 2\n/);
  expect(page).toMatch(/polygate_request_duration_seconds_bucket\{.*le="0.01".*\} 2\n/);
  expect(page).toContain("polygate_config_generation 2\n");
});

it("has the process's own metrics", async () => {
  const page = await createMetrics().text();
  expect(page).toMatch(/^nodejs_eventloop_lag_seconds /m);
  expect(page).toMatch(/^polygate_event_loop_delay_seconds [\d.]/m);
});
