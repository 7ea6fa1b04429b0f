import { expect, it } from "vitest";
import { OpenSet } from "./open.ts";

it("holds what was added and not deleted, in whatever order that comes", () => {
  const members = Array.from({ length: 200 }, (_, name) => ({ name, place: 0 }));
  const open = new OpenSet<(typeof members)[number]>();
  const want = new Set<(typeof members)[number]>();
  let seed = 11;
  for (let i = 0; i < 5_000; i++) {
    seed = (seed * 48271) % 2147483647;
    const member = members[seed % members.length]!;
    if (want.delete(member)) open.delete(member);
    else {
      want.add(member);
      open.add(member);
    }
    expect(open.size).toBe(want.size);
  }
  expect(new Set(open)).toEqual(want);
});

it("leaves a stranger and one that is gone alone", () => {
  const open = new OpenSet<{ place: number }>();
  const [one, two] = [{ place: 0 }, { place: 0 }];
  open.add(one);
  open.delete(two);
  expect([...open]).toEqual([one]);
  open.delete(one);
  open.delete(one);
  expect([...open]).toEqual([]);
});
