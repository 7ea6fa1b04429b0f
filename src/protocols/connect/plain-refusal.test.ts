import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { expect, it } from "vitest";
import { errors, GatewayError } from "../../core/errors.ts";
import type { Inbound } from "../../core/protocol.ts";
import { type Form, formOf } from "./direct/form.ts";
import { connectError } from "./errors.ts";
import { refusePlainly } from "./plain-refusal.ts";

const ID = "req-1";
const form = (type: string): Form => formOf({ "content-type": type })!;

/** An exchange that remembers what it was told. */
function exchange() {
  const told: { status: number; headers: Record<string, string>; body: string }[] = [];
  const send = (status: number, flat: readonly string[], body: string) => {
    const headers: Record<string, string> = {};
    for (let i = 0; i < flat.length; i += 2) headers[flat[i]!] = flat[i + 1]!;
    told.push({ status, headers, body });
  };
  return { told, inbound: { id: ID, call: undefined, send } as unknown as Inbound };
}

it.each([
  new GatewayError("Too many.", { reason: "RATE_EXCEEDED", retryAfterMs: 1500.2, quota: "calls" }),
  errors.routeUnknown('a "route" 東京'),
  new GatewayError("Who are you?", { reason: "CALLER_UNKNOWN", limit: "caller" }),
  new GatewayError(`${"long 東 ".repeat(400)}\ud800`, { reason: "UPSTREAM_REJECTED", upstreamStatus: 422, param: "n" }),
  new GatewayError("It broke.", { reason: "INTERNAL", retryAfterMs: 2000 }),
])("tells $fault.reason as Connect's own writers would", (error) => {
  const want = connectError(error, ID, undefined);
  const trailers = new Headers({ "content-type": "application/grpc+proto" });
  setTrailerStatus(trailers, want);
  const { told, inbound } = exchange();
  expect(refusePlainly(inbound, form("application/grpc"), error)).toBe(true);
  expect(refusePlainly(inbound, form("application/json"), error)).toBe(true);
  const [grpc, connect] = told;
  expect(grpc).toEqual({ status: 200, headers: Object.fromEntries(trailers), body: "" });
  expect(JSON.parse(connect!.body)).toEqual(errorToJson(want, undefined));
  expect(connect!.headers).toEqual({ "content-type": "application/json", ...Object.fromEntries(want.metadata) });
});

it("leaves what names fields, and streams of Connect's, to the messages", () => {
  const { told, inbound } = exchange();
  const fields = errors.fieldInvalid([{ field: "n", description: "must be 1" }]);
  expect(refusePlainly(inbound, form("application/grpc"), fields)).toBe(false);
  expect(refusePlainly(inbound, form("application/connect+json"), errors.overloaded())).toBe(false);
  expect(told).toEqual([]);
});
