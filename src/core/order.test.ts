import { expect, it } from "vitest";
import { targetOf } from "../../test/support/plan.ts";
import { spread } from "./order.ts";

const silent = () => ({ pause() {}, resume() {}, abort() {} });

/** Draws `count` times with numbers that lie evenly; how often each order came. */
function drawn(weights: readonly number[], count: number): Record<string, number> {
  let at = 0;
  const all = weights.map((weight, index) => ({ target: targetOf(silent, index), weight }));
  const draw = spread(all, () => at++ / count);
  const counts: Record<string, number> = {};
  for (let call = 0; call < count; call++) {
    const order = draw()
      .map(({ index }) => index)
      .join();
    counts[order] = (counts[order] ?? 0) + 1;
  }
  return counts;
}

it.each([
  [[90, 10], 1000, { "0,1": 900, "1,0": 100 }],
  [[1, 2, 1], 400, { "0,1,2": 100, "1,0,2": 200, "2,0,1": 100 }],
  [[0, 3, 1], 400, { "1,0,2": 300, "2,0,1": 100 }],
  [[1, 0], 10, { "0,1": 10 }],
])("spreads by the weights %j and then keeps the list's order", (weights, count, counts) => {
  expect(drawn(weights, count)).toEqual(counts);
});

it("takes the last share when rounding gives the whole", () => {
  const all = [1, 1, 0].map((weight, index) => ({ target: targetOf(silent, index), weight }));
  expect(spread(all, () => 1)()[0]?.index).toBe(1);
});
