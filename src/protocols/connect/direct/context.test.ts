import { ConnectError } from "@connectrpc/connect";
import { expect, it } from "vitest";
import { Health } from "../../../../gen/grpc/health/v1/health_pb.js";
import { fakeClock } from "../../../../test/support/clock.ts";
import { exchange } from "../../../../test/support/exchange.ts";
import { CALLER, Caller } from "../caller.ts";
import { Context } from "./context.ts";
import { formOf } from "./form.ts";

function contextOf(limitMs: number | undefined) {
  const clock = fakeClock(100);
  const headers = { "content-type": "application/grpc", "x-a": "1", "set-cookie": ["b", "c"], te: "trailers" };
  const inbound = exchange({ headers, path: "/grpc.health.v1.Health/Check", query: "q=1", started: 100 });
  const caller = new Caller(inbound);
  return {
    clock,
    inbound,
    caller,
    context: new Context(Health.method.check, caller, formOf(headers)!, limitMs, clock),
  };
}

it("tells an implementation what Connect's own context would", () => {
  const { context, caller } = contextOf(undefined);
  expect(context.service).toBe(Health);
  expect([context.protocolName, context.requestMethod, context.url]).toEqual([
    "grpc",
    "POST",
    "http://gateway/grpc.health.v1.Health/Check?q=1",
  ]);
  expect(context.requestHeader.get("x-a")).toBe("1");
  expect(context.requestHeader.getSetCookie()).toEqual(["b", "c"]);
  expect(context.values.get(CALLER)).toBe(caller);
  expect(context.timeoutMs()).toBeUndefined();
});

it("makes headers, values and a timer for who asks only", () => {
  const { context, clock } = contextOf(50);
  expect([context.header, context.trailer, clock.pending]).toEqual([undefined, undefined, 0]);
  context.responseHeader.set("x-b", "2");
  expect([...context.header!]).toEqual([
    ["content-type", "application/grpc+proto"],
    ["x-b", "2"],
  ]);
});

it("counts the caller's deadline down in whole milliseconds, and aborts when it passes", () => {
  const { context, clock } = contextOf(50);
  const { timeoutMs, signal } = context;
  clock.advance(20.5);
  expect(timeoutMs()).toBe(30);
  expect(signal.aborted).toBe(false);
  clock.advance(30);
  expect(signal.reason).toBeInstanceOf(ConnectError);
  expect(signal.reason).toMatchObject({ code: 4 });
});

it("aborts with the caller's own reason, whenever the signal is read first", () => {
  const { context, inbound } = contextOf(undefined);
  inbound.onGone!();
  expect(context.signal.reason).toMatchObject({ fault: { reason: "CALLER_GONE" } });
});

it("aborts when the call is over, and leaves no timer", () => {
  const { context, clock } = contextOf(50);
  const { signal } = context;
  expect(clock.pending).toBe(1);
  context.end();
  expect([signal.aborted, clock.pending]).toEqual([true, 0]);
  const late = contextOf(50);
  late.context.end();
  expect(late.context.signal.aborted).toBe(true);
});
