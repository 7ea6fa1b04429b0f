import { expect, it } from "vitest";
import { fakeClock } from "../../../test/support/clock.ts";
import type { Counted } from "../../core/store.ts";
import { store } from "./index.ts";

const open = (maxKeys: number) => {
  const counters = store.openCounters!(fakeClock(), maxKeys);
  return (key: string) => (counters.add(key, 1, 1000) as Counted).total;
};

it("keeps a key that is used, whatever else comes", () => {
  const add = open(10);
  for (let round = 1; round <= 1000; round++) {
    expect(add("used")).toBe(round);
    for (let other = 0; other < 3; other++) add(`${round} ${other}`);
  }
});

it("forgets a key for which it has no room any more", () => {
  const add = open(10);
  add("old");
  for (let other = 0; other < 10; other++) add(`${other}`);
  expect(add("old")).toBe(1);
});

it("keeps every key while there is room for twice as many", () => {
  const add = open(200);
  for (let round = 1; round <= 3; round++) for (let key = 0; key < 100; key++) expect(add(`${key}`)).toBe(round);
});
