/** What every kind of store is held to, by its folder alone. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadStore } from "../../src/registry.ts";
import { fakeClock } from "../support/clock.ts";

const kinds = readdirSync(new URL("../../src/stores/", import.meta.url));

it.each(kinds)("the store %s is called like its folder", async (kind) => {
  expect((await loadStore(kind)).kind).toBe(kind);
});

const counting: string[] = [];
for (const kind of kinds) if ((await loadStore(kind)).openCounters) counting.push(kind);

describe.each(counting)("counters of the store %s", (kind) => {
  const open = async (maxKeys = 1_000) => {
    const clock = fakeClock(12_345.6);
    return { clock, counters: (await loadStore(kind)).openCounters!(clock, maxKeys) };
  };

  it("begin at 0 and tell their total", async () => {
    const { counters } = await open();
    expect(await counters.add("a", 1, 1000)).toEqual({ total: 1, leftMs: 1000 });
    expect(await counters.add("a", 2, 1000)).toEqual({ total: 3, leftMs: 1000 });
    expect(await counters.add("a", 0, 1000)).toEqual({ total: 3, leftMs: 1000 });
  });

  it("are dropped a window after their first add, whatever was added since", async () => {
    const { counters, clock } = await open();
    await counters.add("a", 1, 1000);
    clock.advance(999.5);
    const last = await counters.add("a", 1, 1000);
    expect(last.total).toBe(2);
    expect(last.leftMs).toBeCloseTo(0.5, 6);
    clock.advance(0.5);
    expect(await counters.add("a", 1, 1000)).toEqual({ total: 1, leftMs: 1000 });
  });

  it("count each key by itself, whatever letters are in it", async () => {
    const { counters } = await open();
    const keys = [
      "",
      "a",
      "a ",
      "A",
      "é",
      "日本",
      "__proto__",
      "constructor",
      "a\0",
      "x".repeat(10_000),
      `${"x".repeat(9_999)}y`,
    ];
    for (const [index, key] of keys.entries()) await counters.add(key, index + 1, 1000);
    const totals = [];
    for (const key of keys) totals.push((await counters.add(key, 0, 1000)).total);
    expect(totals).toEqual(keys.map((_, index) => index + 1));
  });

  it("lose no add made at the same time", async () => {
    const { counters } = await open();
    await Promise.all(Array.from({ length: 100 }, async () => counters.add("n", 1, 1000)));
    expect((await counters.add("n", 0, 1000)).total).toBe(100);
  });

  it("go on when more keys come than they hold, and never tell a key of another's total", async () => {
    const { counters } = await open(100);
    for (let n = 0; n < 5_000; n++) expect((await counters.add(`key ${n}`, 7, 60_000)).total).toBe(7);
    expect([0, 7]).toContain((await counters.add("key 0", 0, 60_000)).total);
  });
});
