import { expect, it } from "vitest";
import { fakeClock, microtasks } from "../../test/support/clock.ts";
import type { ServerProcess } from "./process.ts";
import { Slot } from "./slot.ts";

/** A place whose processes a test starts and ends by hand. */
function slot() {
  const clock = fakeClock();
  const processes: { signals: string[]; end: (why: string) => void; port: number }[] = [];
  const told: string[] = [];
  let well = false;
  const one = new Slot({
    program: (port) => ({ command: String(port), args: [], env: {}, line: () => {} }),
    start({ command }): ServerProcess {
      const ended = Promise.withResolvers<string>();
      const closed = Promise.withResolvers<void>();
      const signals: string[] = [];
      const end = (why: string) => {
        ended.resolve(why);
        closed.resolve();
      };
      processes.push({ signals, end, port: Number(command) });
      const signal = (name: string) => {
        signals.push(name);
        if (name === "SIGKILL") end(name);
      };
      return { ended: ended.promise, closed: closed.promise, signal };
    },
    choosePort: async (last) => last ?? 4000,
    isWell: async () => well,
    startMs: 10_000,
    clock,
    tell: (what) => told.push(what),
    changed: () => told.push("changed"),
  });
  const answers = (yes: boolean) => {
    well = yes;
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await microtasks();
  };
  return { one, clock, processes, told, answers, pass };
}

it("is ready when its server answers, and keeps its port for the next one, which comes later each time", async () => {
  const { one, processes, answers, pass, told } = slot();
  await pass(0);
  expect([one.ready, processes.length]).toEqual([false, 1]);
  answers(true);
  await pass(250);
  expect([one.ready, one.port]).toEqual([true, 4000]);
  for (const wait of [500, 1000, 2000]) {
    processes.at(-1)!.end("SIGSEGV");
    await pass(0);
    expect([one.ready, one.trouble]).toEqual([false, "ended with SIGSEGV"]);
    const before = processes.length;
    await pass(wait - 1);
    expect(processes.length).toBe(before);
    await pass(1);
    expect([one.ready, processes.length, processes.at(-1)!.port]).toEqual([true, before + 1, 4000]);
  }
  expect(told.filter((what) => what === "changed")).toHaveLength(7);
});

it("one that does not answer in time is ended and started again", async () => {
  const { one, processes, pass } = slot();
  await pass(0);
  for (let passed = 0; passed <= 10_250; passed += 250) await pass(250);
  expect([processes[0]!.signals, one.trouble]).toEqual([["SIGKILL", "SIGKILL"], "did not answer within 10000 ms"]);
  await pass(500);
  expect(processes).toHaveLength(2);
});

it("ends only after calls have had their time, and starts no more", async () => {
  const { one, clock, processes, answers, pass } = slot();
  answers(true);
  await pass(0);
  const over = one.retire(30_000);
  await pass(1_999);
  expect(processes[0]!.signals).toEqual([]);
  await pass(1);
  expect(processes[0]!.signals).toEqual(["SIGTERM"]);
  await pass(30_000);
  await over;
  expect(processes[0]!.signals).toEqual(["SIGTERM", "SIGKILL"]);
  await pass(60_000);
  expect([processes.length, clock.pending]).toEqual([1, 0]);
});
