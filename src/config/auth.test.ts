import { describe, expect, it } from "vitest";
import { kinds } from "../kinds.ts";
import type { Serving } from "./auth.ts";
import { load } from "./load.ts";
import { formatProblem } from "./problems.ts";

const KEYS =
  "auth: { keys: [{ name: ann, sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad }] }\n";
const told = async (text: string, serving?: Serving) => {
  const { problems, warnings } = await load(
    { file: "f.yaml", text: `${text}routes: [] # none yet\n` },
    { kinds, serving },
  );
  const others = warnings.filter(({ path }) => path !== "routes");
  return { problems: problems.map(formatProblem), warnings: others.map(formatProblem) };
};
const NOTHING = { problems: [], warnings: [] };
const OPEN =
  "auth: missing, and other machines can come to 0.0.0.0; list keys under auth, or write `auth: none` (or start with --auth none) so that everybody may call";

describe("without keys a gateway is", () => {
  it.each(["127.0.0.1", "127.8.9.1", "localhost", "::1"])("for its own machine: %s", async (host) => {
    expect(await told("", { host })).toEqual(NOTHING);
    expect(await told(`listen: { host: "${host}" }\n`, {})).toEqual(NOTHING);
  });

  it.each(["0.0.0.0", "::", "10.0.0.1", "gateway.example", "127.0.0.1.example"])(
    "for nobody else unless somebody says so: %s",
    async (host) => {
      const [problem, ...more] = (await told("", { host })).problems;
      expect([problem, more]).toEqual([expect.stringContaining(`other machines can come to ${host};`), []]);
      expect(await told("", { host, auth: "none" })).toEqual(NOTHING);
      expect(await told("auth: none\n", { host })).toEqual(NOTHING);
      expect(await told(KEYS, { host })).toEqual(NOTHING);
      expect(await told("auth: {}\n", { host })).toEqual(NOTHING);
    },
  );

  it("told so at the file's own host, to which what it is started with wins", async () => {
    const text = "listen: { host: 0.0.0.0 }\n";
    expect((await told(text, {})).problems).toEqual([`f.yaml:1:1 ${OPEN}`]);
    expect(await told(text, { host: "127.0.0.1" })).toEqual(NOTHING);
  });

  it("only warned of by who just looks at the file", async () => {
    expect(await told("listen: { host: 0.0.0.0 }\n")).toEqual({ problems: [], warnings: [`f.yaml:1:1 ${OPEN}`] });
  });
});

it("keys of a file are not taken away from outside", async () => {
  const why = "stands in the file, and --auth none or POLYGATE_AUTH would take its keys away; remove one of them";
  expect((await told(KEYS, { auth: "none" })).problems).toEqual([`f.yaml:1:7 auth: ${why}`]);
});

it("a lock to which there can be no key is refused", async () => {
  const ways = "list keys, or write `auth: none` so that everybody may call";
  for (const auth of ["{}", "{ keys: [] }"])
    expect((await told(`auth: ${auth}\nstore: none\n`, {})).problems).toEqual([
      `f.yaml:1:7 auth: no keys, and with \`store: none\` nobody can make one; ${ways}`,
    ]);
  expect((await told("auth:\n", {})).problems).toEqual([`f.yaml:1:1 auth: nothing behind it; ${ways}`]);
  expect((await told("auth: { keys: [] }\n", {})).problems).toEqual([]);
});

it.each(["off", "false", "nobody", "None"])("auth: %s is no way to say so", async (word) => {
  expect((await told(`auth: ${word}\n`, {})).problems).toEqual([expect.stringContaining("auth: want keys and values")]);
});
