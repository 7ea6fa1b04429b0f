import { expect, it } from "vitest";
import { exchange } from "../../test/support/exchange.ts";
import { callOf, planOf, targetOf } from "../../test/support/plan.ts";
import { errors, GatewayError } from "../core/errors.ts";
import { principalOf } from "../core/grants.ts";
import type { Inbound } from "../core/protocol.ts";
import { createLog, type Level } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { createObserver } from "./observer.ts";

const idle = () => ({ pause() {}, resume() {}, abort() {} });

/** An observer at 100 ms whose log lines are parsed. */
function watch(level: Level = "info") {
  const raw: string[] = [];
  const log = createLog({ level, to: { write: (line) => void raw.push(line) } });
  const metrics = createMetrics({ process: false });
  const observer = createObserver({ log, metrics, now: () => 100 });
  const line = (inbound: Inbound) => {
    raw.length = 0;
    observer.began(inbound);
    observer.finished(inbound);
    return raw.length === 0 ? undefined : (JSON.parse(raw.join("")) as Record<string, unknown>);
  };
  return { raw, log, metrics, observer, line };
}

function chat(stream = false) {
  const plan = planOf([targetOf(idle, 0), targetOf(idle, 1)]);
  const call = callOf(plan, stream);
  call.target = plan.targets[0];
  call.attempt = 1;
  call.status = 200;
  return call;
}

function failed(error: GatewayError) {
  const call = chat();
  call.error = error;
  call.status = error.http;
  return exchange({ call, status: error.http });
}

it("writes one line for a call, with everything that an operator asks first", () => {
  const call = chat(true);
  call.firstByteAt = 12.345;
  call.usage = { promptTokens: 9, completionTokens: 4 };
  const headers = { "user-agent": "curl/8", authorization: "Bearer canary" };
  expect(watch().line(exchange({ call, headers, query: "canary=1" }))).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    msg: "request",
    request_id: "req-1",
    protocol: "openai",
    method: "POST",
    path: "/v1/chat/completions",
    operation: "chat",
    route: "chat",
    provider: "fake",
    model: "model-0",
    target: 0,
    attempt: 1,
    revision: 7,
    stream: true,
    status: 200,
    ttft_ms: 12.35,
    input_tokens: 9,
    output_tokens: 4,
    duration_ms: 100,
    remote: "127.0.0.1",
    user_agent: "curl/8",
  });
});

it("says why a call failed, and what lies behind it", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" });
  expect(watch().line(failed(errors.unreachable("fake", cause)))).toMatchObject({
    level: "warn",
    status: 503,
    reason: "UPSTREAM_UNREACHABLE",
    grpc_code: 14,
    error: "The provider fake cannot be reached.",
    cause: "ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:9",
  });
});

it.each([
  ["error", new GatewayError("A defect.", { reason: "INTERNAL" }, new TypeError("x is not a function"))],
  ["error", new GatewayError("Their 401.", { reason: "UPSTREAM_CREDENTIALS", upstreamStatus: 401 })],
  ["warn", errors.routeUnknown("chta")],
  ["warn", errors.upstreamFailed("Their 500.", undefined, 500)],
  ["info", errors.callerGone()],
] as const)("takes a failure at level %s", (level, error) => {
  expect(watch().line(failed(error))).toMatchObject({ level, reason: error.fault.reason });
});

it("says where a defect was met", () => {
  const line = watch().line(failed(new GatewayError("A defect.", { reason: "INTERNAL" }, new TypeError("boom"))));
  expect(line).toMatchObject({ cause: "TypeError: boom" });
  expect(line).toHaveProperty("at.0", expect.stringMatching(/^observer\.test\.ts:\d+:\d+$/));
});

it("shows a provider's own words at debug alone: they may quote the prompt", () => {
  const rejected = new GatewayError("canary is not a number", {
    reason: "UPSTREAM_REJECTED",
    http: 400,
    upstreamStatus: 400,
    code: "bad_type",
    upstreamRequestId: "up-1",
  });
  const line = watch().line(failed(rejected));
  expect(line).toMatchObject({ upstream_status: 400, upstream_code: "bad_type", upstream_request_id: "up-1" });
  expect(JSON.stringify(line)).not.toContain("canary");
  expect(watch("debug").line(failed(rejected))).toMatchObject({ error: "canary is not a number" });
  const broken = errors.upstreamFailed("Their 500.", '{"input":"canary"}', 500);
  expect(JSON.stringify(watch().line(failed(broken)))).not.toContain("canary");
  expect(watch("debug").line(failed(broken))).toMatchObject({ cause: '{"input":"canary"}' });
});

it("does not repeat the text that a parser could not read", () => {
  const { line } = watch();
  let cause: unknown;
  try {
    JSON.parse("canary");
  } catch (thrown) {
    cause = thrown;
  }
  expect(line(failed(errors.bodyMalformed("The body is not valid JSON.", cause)))).toMatchObject({
    cause: "SyntaxError",
  });
});

it("masks secrets in causes, paths and user agents", () => {
  const { line, log } = watch();
  log.redactValues(["canary-canary"]);
  const inbound = failed(errors.unreachable("fake", new Error("key canary-canary, Bearer abc")));
  const text = JSON.stringify(line({ ...inbound, path: "/canary-canary", headers: { "user-agent": "sk-12345678" } }));
  expect(text).toContain('"cause":"Error: key ***, Bearer ***"');
  expect(text).toContain('"path":"/***"');
  expect(text).toContain('"user_agent":"***"');
});

it("stays one line of JSON whatever a caller sends", () => {
  const forged = 'a"\\,"level":"fatal"\n\u2028{';
  const headers = { "user-agent": forged };
  const inbound = exchange({
    call: chat(),
    id: forged,
    method: forged,
    path: forged,
    principal: principalOf(forged, forged, []),
    headers,
  });
  const { line, raw } = watch();
  expect(line(inbound)).toMatchObject({ level: "info", request_id: 'a"\\,"level":"fatal"??{', msg: "request" });
  expect(raw.join("").match(/\n/g)).toHaveLength(1);
});

it("tells of the attempts before the one that answered", () => {
  const { observer, line } = watch();
  const call = chat();
  observer.hooks.fault!(call, errors.upstreamFailed("Their 500.", undefined, 500));
  call.target = call.plan.targets[1];
  call.attempt = 2;
  expect(line(exchange({ call }))).toMatchObject({
    attempt: 2,
    target: 1,
    retried: [{ target: 0, reason: "UPSTREAM_FAILED", upstream_status: 500 }],
  });
});

it("does not tell of the last failure twice", () => {
  const { observer, line } = watch();
  const error = errors.upstreamFailed("Their 500.", undefined, 500);
  const inbound = failed(error);
  observer.hooks.fault!(inbound.call!, error);
  expect(line(inbound)).not.toHaveProperty("retried");
});

it("tells a refusal before any call by the protocol that refused", () => {
  const inbound = exchange({ protocol: "openai", status: 404, error: errors.routeUnknown("chta") });
  expect(watch().line(inbound)).toMatchObject({ protocol: "openai", status: 404, reason: "ROUTE_UNKNOWN" });
});

it("has REST's status for a protocol that sends 200 whatever happens", () => {
  const inbound = exchange({ protocol: "grpc", status: 200, error: errors.routeUnknown("chta") });
  expect(watch().line(inbound)).toMatchObject({ protocol: "grpc", status: 404, grpc_code: 5 });
});

it("has the status that was sent where a protocol has its own", () => {
  const inbound = exchange({ protocol: "mlflow", status: 422, error: errors.bodyMalformed("No.") });
  expect(watch().line(inbound)).toMatchObject({ status: 422 });
});

it("calls a stream that broke off failed, though its status was 200", async () => {
  const { line, metrics } = watch();
  const call = chat(true);
  call.error = errors.upstreamFailed("It stopped.");
  expect(line(exchange({ call, status: 200 }))).toMatchObject({
    level: "warn",
    status: 200,
    reason: "UPSTREAM_FAILED",
  });
  expect(await metrics.text()).toMatch(/polygate_requests_total\{.*status="200",reason="UPSTREAM_FAILED"\} 1/);
});

it("takes an exchange without answer and reason for a caller who went", () => {
  expect(watch().line(exchange({ status: 0 }))).toMatchObject({ level: "info", status: 499, reason: "CALLER_GONE" });
});

it("keeps what monitoring asks for out of the log, and its failures in", () => {
  const { line } = watch();
  expect(line(exchange({ method: "GET", path: "/readyz", status: 503 }))).toBeUndefined();
  expect(line(exchange({ method: "GET", path: "/readyz", error: errors.shuttingDown(), status: 503 }))).toBeDefined();
});

it("writes one line of at most 4 KiB that parses, whatever the caller sent", () => {
  const { raw, line, log } = watch("debug");
  log.redactValues(["x".repeat(10)]);
  const evil = '\n{"level":"info","msg":"forged"}\u001b[2J"\\\u{1f389}é'.repeat(40_000);
  const error = new GatewayError(
    evil,
    { reason: "INTERNAL", upstreamRequestId: evil, code: evil, upstreamStatus: 500, limit: "first_byte" },
    Object.assign(new Error(evil), { code: "ECONNREFUSED" }),
  );
  const call = callOf(planOf([targetOf(idle)], { route: "é".repeat(5000) }), true);
  call.target = { ...call.plan.targets[0]!, model: "🎉".repeat(5000) };
  call.attempt = 1;
  call.error = error;
  const headers = { "user-agent": evil };
  const parsed = line(
    exchange({
      call,
      id: evil,
      path: evil,
      method: evil,
      headers,
      remote: evil,
      status: 500,
      principal: principalOf(evil, evil, []),
    }),
  );
  expect(parsed).toMatchObject({ level: "error", status: 500 });
  expect(raw).toHaveLength(1);
  expect(raw[0]!.indexOf("\n")).toBe(raw[0]!.length - 1);
  expect(raw[0]).not.toContain("\u001b");
  expect(Buffer.byteLength(raw[0]!)).toBeLessThanOrEqual(4096);
});

it("logs each problem of a config that was not loaded, and the one that stays", () => {
  const { raw, observer } = watch();
  observer.reloaded(true, 2, []);
  observer.reloaded(false, 2, ["a.yaml:1:1 x: wrong; fix it", "a.yaml:2:1 y: wrong; fix it"]);
  expect(raw.map((one) => JSON.parse(one))).toMatchObject([
    { level: "info", msg: "config loaded", generation: 2 },
    { level: "error", msg: "config problem", problem: "a.yaml:1:1 x: wrong; fix it" },
    { level: "error", msg: "config problem", problem: "a.yaml:2:1 y: wrong; fix it" },
    { level: "error", msg: "config not loaded", generation: 2, problems: 2 },
  ]);
});
