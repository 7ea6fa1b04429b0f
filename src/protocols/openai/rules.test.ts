import { expect, it } from "vitest";
import { Body } from "../../core/body.ts";
import { GatewayError } from "../../core/errors.ts";
import { checkRequest } from "./rules.ts";

const LONG = "x".repeat(10_000);
const MESSAGES = [{ role: "user", content: LONG }];

/** The fields of a long chat that break a rule, in order. */
function broken(json: object): readonly string[] {
  try {
    checkRequest("chat", Body.ofBytes(Buffer.from(JSON.stringify(json))));
    return [];
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown;
    return thrown.fault.violations?.map(({ field }) => field) ?? [thrown.fault.reason];
  }
}

it("holds the short members of a long body to their rules, and the long ones to their kind", () => {
  expect(broken({ model: "m", messages: MESSAGES, temperature: 1, unknown: LONG, stop: null })).toEqual([]);
  expect(broken({ model: "m", messages: LONG })).toEqual(["messages"]);
  expect(broken({ model: "m", messages: MESSAGES, temperature: "warm" })).toEqual(["temperature"]);
  expect(broken({ model: "m", user: LONG })).toEqual(["messages"]);
});

it("tells what is broken in the order of the rules, whatever that of the body", () => {
  const wrong = { temperature: "warm", top_p: "all" };
  const told = broken({ model: "m", messages: MESSAGES, ...wrong });
  expect(told.toSorted()).toEqual(["temperature", "top_p"]);
  expect(broken({ top_p: "all", temperature: "warm", model: "m", messages: MESSAGES })).toEqual(told);
  expect(broken({ top_p: "all", temperature: "warm", unknown: LONG })).toEqual(expect.arrayContaining(["messages"]));
});
