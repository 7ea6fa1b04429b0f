import { expect, it, onTestFinished } from "vitest";
import { until } from "../../test/support/ledger.ts";
import { Watch } from "./watch.ts";

function watched(pollMs = 1) {
  const state = { now: 1 as number | Error, looks: 0, told: 0, failed: [] as unknown[] };
  const watch = new Watch({
    async look() {
      state.looks++;
      if (state.now instanceof Error) throw state.now;
      return state.now;
    },
    pollMs,
    failed: (error) => state.failed.push(error),
  });
  onTestFinished(() => watch.close());
  return { state, watch };
}

it("tells a listener soon, in case something changed just before, and then of changes alone", async () => {
  const { state, watch } = watched();
  watch.on(() => void state.told++);
  await until(() => state.told === 1);
  const looks = state.looks;
  await until(() => state.looks > looks + 5);
  expect(state.told).toBe(1);
  state.now = 2;
  await until(() => state.told === 2);
});

it("does not look while nobody listens", async () => {
  const { state, watch } = watched();
  const stop = watch.on(() => undefined);
  await until(() => state.looks > 2);
  stop();
  const looks = state.looks;
  await new Promise((resolve) => setImmediate(resolve));
  const again = watched();
  again.watch.on(() => undefined);
  await until(() => again.state.looks > 5);
  expect(state.looks).toBeLessThanOrEqual(looks + 1);
  watch.on(() => undefined);
  await until(() => state.looks > looks + 2);
});

it("tells of the begin of a failure that lasts, and its listeners when it is over", async () => {
  const { state, watch } = watched();
  watch.on(() => void state.told++);
  await until(() => state.told === 1);
  const lost = new Error("lost");
  state.now = lost;
  const looks = state.looks;
  await until(() => state.looks > looks + 5);
  expect(state.failed).toEqual([lost]);
  state.now = 1;
  await until(() => state.told === 2);
});

it("joins what it is told at once", async () => {
  const { state, watch } = watched(600_000);
  watch.on(() => void state.told++);
  await until(() => state.told === 1);
  for (let n = 0; n < 5; n++) watch.told();
  await until(() => state.told === 2);
  expect(state.told).toBe(2);
});
