import { expect, it } from "vitest";
import { isTest, sources } from "../support/sources.ts";

/** Most lines of a source file; tests may be longer. */
const MOST_LINES = 300;
/** Comments that switch a check off. */
const SWITCH = /biome-ignore|@ts-(?:ignore|expect-error|nocheck)|(?:oxlint|eslint)-disable/;
/** Checks that tests switch off, each with its reason behind it: texts that only look like templates. */
const SWITCHED_IN_TESTS = 2;
const ANY = /(?:[:<|&,]|\bas|=>)\s*any\b(?!\s*(?:[:(?]|=[=>]))/;

const all = [...sources("src", "test", "scripts")].filter(([path]) => !path.includes("/gen/"));
const code = all.filter(([path]) => !isTest(path));
/** Without comments and texts. */
const bare = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$|(["'`])(?:\\.|(?!\1)[^\\])*\1/gm, "");

it(`no source file is longer than ${MOST_LINES} lines`, () => {
  const sizes = code.map(([path, text]) => [path, text.split("\n").length - 1] as const);
  expect(sizes.length).toBeGreaterThan(100);
  expect(sizes.filter(([, lines]) => lines > MOST_LINES)).toEqual([]);
});

it("no source switches a check off, and no test a new one", () => {
  expect(code.filter(([, text]) => SWITCH.test(text)).map(([path]) => path)).toEqual([]);
  const own = new URL(import.meta.url).pathname;
  const inTests = all.filter(([path]) => isTest(path) && !own.endsWith(path));
  const switched = inTests.flatMap(([, text]) => text.split("\n").filter((line) => SWITCH.test(line)));
  expect(switched.length).toBeLessThanOrEqual(SWITCHED_IN_TESTS);
});

it("nothing is of type any", () => {
  expect(all.filter(([, text]) => ANY.test(bare(text))).map(([path]) => path)).toEqual([]);
});

it.each(["const a: $ = 1;", "f<$>(1)", "(x as $).y", "type A = B | $;", "(a: $[]) => a"])(
  "%s is of type any",
  (text) => {
    expect(ANY.test(bare(text.replace("$", "any")))).toBe(true);
  },
);

it.each(["f($)", "const $ = 1;", "$ ? 1 : 2", "/** : $ */", '": $"', "const { $ } = a;"])("%s is not", (text) => {
  expect(ANY.test(bare(text.replace("$", "any")))).toBe(false);
});
