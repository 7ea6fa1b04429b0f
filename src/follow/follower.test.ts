import { expect, it } from "vitest";
import { fakeClock } from "../../test/support/clock.ts";
import type { ServedVersion } from "../core/provider.ts";
import { NotServed, NotYet } from "../core/registered.ts";
import { Follower } from "./follower.ts";
import { RegistryDown } from "./registry.ts";
import type { Looked } from "./told.ts";

const at = (version: string, url = `http://m/${version}`): ServedVersion => ({
  model: "iris",
  version,
  url,
  by: "file",
  inputs: undefined,
});

/** A registry that says the next of `said`, the last one again and again. */
function following(...said: (ServedVersion | Error)[]) {
  const clock = fakeClock();
  let asked = 0;
  const find = async () => {
    const one = said[Math.min(asked++, said.length - 1)]!;
    if (one instanceof Error) throw one;
    return one;
  };
  const follower = new Follower({ registry: { find }, names: ["models:/iris@a"], pollMs: 1000, clock });
  return { follower, clock, asked: () => asked };
}

it("tells what moved, and nothing when nothing did", async () => {
  const { follower } = following(at("1"), at("1"), at("2"), at("2", "http://other"));
  expect((await follower.look()).moved).toEqual(["models:/iris@a is version 1, served at http://m/1"]);
  expect(await follower.look()).toEqual({ moved: [], problems: [], mended: [] });
  expect((await follower.look()).moved).toEqual(["models:/iris@a moved from version 1 to 2, served at http://m/2"]);
  expect((await follower.look()).moved).toEqual(["models:/iris@a is still version 2, and served at http://other now"]);
});

it("keeps what it knew while the registry is down, and tells a trouble and its end once", async () => {
  const { follower } = following(at("1"), new RegistryDown("gone"), new RegistryDown("gone"), at("1"));
  await follower.look();
  expect(await follower.look()).toEqual({ moved: [], problems: ["gone"], mended: [] });
  expect(await follower.look()).toEqual({ moved: [], problems: [], mended: [] });
  expect([follower.degraded, follower.served.get("models:/iris@a")]).toEqual([["mlflow registry"], at("1")]);
  expect(await follower.look()).toEqual({ moved: [], problems: [], mended: ["mlflow registry: well again"] });
  expect(follower.degraded).toEqual([]);
});

it("names what the registry does not have", async () => {
  const { follower } = following(new NotServed("no such alias"));
  expect((await follower.look()).problems).toEqual(["models:/iris@a: no such alias"]);
  expect([follower.degraded, follower.served.size]).toEqual([["models:/iris@a"], 0]);
});

it("looks once each time, after what it told was dealt with, and not after it was stopped", async () => {
  const { follower, clock, asked } = following(at("1"), at("2"), at("3"));
  await follower.look();
  const told: Looked[] = [];
  const dealt = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  follower.start((looked) => {
    told.push(looked);
    heard.resolve();
    return dealt.promise;
  });
  clock.advance(999);
  expect(asked()).toBe(1);
  clock.advance(1);
  await heard.promise;
  clock.advance(5000);
  expect([asked(), told.length]).toEqual([2, 1]);
  dealt.resolve();
  await new Promise(setImmediate);
  follower.stop();
  clock.advance(5000);
  expect(asked()).toBe(2);
});

it("waits for a silent registry only so long, and tells what it says after all", async () => {
  const clock = fakeClock();
  const said = Promise.withResolvers<ServedVersion>();
  const registry = { find: () => said.promise };
  const follower = new Follower({ registry, names: ["models:/iris@a"], pollMs: 1000, clock });
  const first = follower.first(400);
  clock.advance(400);
  expect(await first).toBeUndefined();
  expect(follower.degraded).toEqual(["models:/iris@a"]);
  const told = new Promise<Looked>((resolve) => {
    follower.start(async (looked) => resolve(looked));
  });
  said.resolve(at("1"));
  expect((await told).moved).toEqual(["models:/iris@a is version 1, served at http://m/1"]);
  expect([follower.degraded, clock.pending]).toEqual([[], 0]);
  follower.stop();
});

it("looks at once when there is something new, and again when there was while it looked", async () => {
  const { follower, clock, asked } = following(at("1"));
  await follower.look();
  follower.start(async () => {});
  follower.hurry();
  await new Promise(setImmediate);
  expect([asked(), clock.pending]).toEqual([2, 1]);
  follower.hurry();
  follower.hurry();
  await new Promise(setImmediate);
  expect([asked(), clock.pending]).toEqual([4, 1]);
  follower.stop();
  follower.hurry();
  expect([asked(), clock.pending]).toEqual([4, 0]);
});

it("keeps what is served, without a word, while the next version starts", async () => {
  const { follower } = following(at("1"), new NotYet("starting"), at("2"));
  await follower.look();
  expect(await follower.look()).toEqual({ moved: [], problems: [], mended: [] });
  expect([follower.degraded, follower.served.get("models:/iris@a")]).toEqual([[], at("1")]);
  expect((await follower.look()).moved).toEqual(["models:/iris@a moved from version 1 to 2, served at http://m/2"]);
});

it("tells after each look which versions are in use, once what it told was dealt with", async () => {
  const clock = fakeClock();
  const said = [at("1"), at("2")];
  const used: string[][] = [];
  const follower = new Follower({
    registry: { find: async () => said.shift()! },
    names: ["models:/iris@a"],
    pollMs: 1000,
    clock,
    used: (versions) => used.push(versions.map(({ version }) => version)),
  });
  await follower.look();
  const dealt = Promise.withResolvers<void>();
  follower.start(() => dealt.promise);
  clock.advance(1000);
  await new Promise(setImmediate);
  expect(used).toEqual([]);
  dealt.resolve();
  await new Promise(setImmediate);
  expect(used).toEqual([["2"]]);
  follower.stop();
});
