import { expect, it } from "vitest";
import { planOf } from "../../test/support/plan.ts";
import { counting } from "./counting.ts";
import { INFERENCE, principalOf } from "./grants.ts";

it("a caller who may not use a route is not told whose models it has, by asking for a count", () => {
  const plan = planOf([], { op: "chat" });
  const ann = principalOf("ann", "", [{ ...INFERENCE, routes: ["another"] }]);
  expect(() => counting(plan, ann)).toThrow(/"ann" may not do chat/);
  expect(() => counting(plan, principalOf("bob", "", [INFERENCE]))).toThrow(/cannot count tokens/);
});
