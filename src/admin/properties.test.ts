import { beforeEach, describe, expect, it } from "vitest";
import { type AdminUnderTest, adminUnderTest, chat, made, openOf, routes } from "../../test/support/admin.ts";
import { dice } from "../../test/support/proto-samples.ts";
import { type MaskPath, maskPaths, randomRoute } from "../../test/support/random-route.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { isAddress } from "./addresses.ts";
import { leaves } from "./diff.ts";
import { docOf, messageOf } from "./docs.ts";

const SEEDS = Array.from({ length: 3 }, (_, index) => index + 1);
const PROVIDERS = ["openai", "bedrock"];

/** What a doc has at a path, and all the rest of it. */
function split(doc: JsonObject, { steps }: MaskPath): { at: Json | undefined; rest: JsonObject } {
  const rest = structuredClone(doc);
  const holder = steps.slice(0, -1).reduce<JsonObject | undefined>((one, step) => one?.[step] as JsonObject, rest);
  const last = steps.at(-1)!;
  const at = holder?.[last];
  if (holder) delete holder[last];
  return { at, rest };
}

const plain = (doc: JsonObject): JsonObject => docOf(messageOf(doc));
const update = (admin: AdminUnderTest, given: JsonObject, paths: string[]) =>
  admin.ask(routes.updateRoute, { route: messageOf(given), updateMask: { paths } });

/** Whether it was refused, and changed nothing, because secrets that it does not say would go to another address. */
async function keptSecret(admin: AdminUnderTest, name: string, asked: Promise<unknown>): Promise<boolean> {
  const before = await openOf(admin, name);
  try {
    await asked;
    return false;
  } catch (thrown) {
    if (!/another address/.test((thrown as Error).message)) throw thrown;
    expect(await openOf(admin, name)).toEqual(before);
    return true;
  }
}

describe.each(PROVIDERS)("of a route of %s", (provider) => {
  let admin: AdminUnderTest;
  let paths: MaskPath[];
  beforeEach(async () => {
    admin = await adminUnderTest({ unchecked: true });
    paths = await maskPaths(provider);
    expect(paths.length).toBeGreaterThan(50);
  });

  it.each(SEEDS)(
    "an update changes the path of its mask and nothing else, secrets too, whatever the path (seed %i)",
    async (seed) => {
      const roll = dice(seed);
      for (const path of paths.filter(({ text }) => text !== "name")) {
        const name = `r${seed}`;
        const [before, given] = [await randomRoute(roll, name, provider), await randomRoute(roll, name, provider)];
        await update(admin, before, ["*"]).catch(() => made(admin, messageOf(before)));
        const moves = path.steps.some((step) => step === "provider" || isAddress(step));
        const asked = () => update(admin, given, [path.text]);
        if (moves && (await keptSecret(admin, name, asked()))) continue;
        if (!moves) await asked();
        const after = await openOf(admin, name);
        const [was, wanted, is] = [plain(before), plain(given), after].map((doc) => split(doc, path));
        const told = `${path.text} of ${JSON.stringify(before)} from ${JSON.stringify(given)}`;
        expect(is!.at, told).toEqual(wanted!.at);
        // A message that is made for the path alone is empty without it.
        const bare = (doc: JsonObject) => [...leaves(doc)].filter(([, value]) => JSON.stringify(value) !== "{}");
        expect(bare(is!.rest), told).toEqual(bare(was!.rest));
      }
    },
  );

  it.each(SEEDS)("an update without a mask changes what is set and nothing else (seed %i)", async (seed) => {
    const roll = dice(100 + seed);
    let done = 0;
    for (let round = 0; round < 16; round++) {
      const name = `n${seed}-${round}`;
      const [before, given] = [await randomRoute(roll, name, provider), await randomRoute(roll, name, provider)];
      await made(admin, messageOf(before));
      if (await keptSecret(admin, name, update(admin, given, []))) continue;
      done++;
      const [was, set, is] = [plain(before), plain(given), await openOf(admin, name)].map(leaves);
      // Lists are set whole: what the old one had more of is gone.
      const lists = Object.entries(plain(given)).filter(([, value]) => Array.isArray(value));
      const kept = [...was!].filter(
        ([path]) => !set!.has(path) && !lists.some(([list]) => path.startsWith(`${list}[`)),
      );
      const inLists = (path: string) => /\[\d+\]/.test(path);
      // A message that is empty sets nothing, and stays when it gets something.
      const told = [...set!, ...kept.filter(([path]) => !inLists(path))].filter(
        ([, one]) => JSON.stringify(one) !== "{}",
      );
      for (const [path, value] of told) expect(is!.get(path), path).toEqual(value);
    }
    expect(done).toBeGreaterThan(2);
  });

  it.each(SEEDS)(
    "reading, changing one field and writing all of it back keeps every secret (seed %i)",
    async (seed) => {
      const roll = dice(200 + seed);
      for (let round = 0; round < 8; round++) {
        const name = `w${seed}-${round}`;
        const before = await randomRoute(roll, name, provider);
        await made(admin, messageOf(before));
        const { route } = await admin.ask(routes.getRoute, { name });
        expect(JSON.stringify(docOf(route!.spec!))).not.toContain("secret t");
        const changed = { ...route!.spec!, description: "changed" };
        await admin.ask(routes.updateRoute, { route: changed, updateMask: { paths: ["*"] }, etag: route!.etag });
        expect(await openOf(admin, name)).toEqual(plain({ ...before, description: "changed" }));
      }
    },
  );
});

it("a key that would reach into every object is refused, in a mask and in a route", async () => {
  const admin = await adminUnderTest({ unchecked: true });
  await made(admin, chat("a"));
  const evil = JSON.parse('{"name": "a", "labels": {"__proto__": "x"}}') as JsonObject;
  const refused = { fault: { reason: "FIELD_INVALID" } };
  await expect(update(admin, evil, [])).rejects.toMatchObject(refused);
  for (const path of ["labels.__proto__", "model.config.__proto__.polluted", "__proto__.polluted"])
    await expect(update(admin, { name: "a" }, [path])).rejects.toMatchObject(refused);
  expect(({} as JsonObject)["polluted"]).toBeUndefined();
});
