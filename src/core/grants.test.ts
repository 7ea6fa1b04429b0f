import { describe, expect, it } from "vitest";
import { chance } from "../../test/support/bent.ts";
import { siteOf } from "../../test/support/door.ts";
import {
  ADMIN,
  ANYBODY,
  GUEST,
  grantOf,
  INFERENCE,
  listedFor,
  listedRoute,
  matches,
  NOBODY,
  principalOf,
  within,
} from "./grants.ts";
import { ADMIN_PERMISSIONS, type Grant, isPermission, type Permission } from "./principal.ts";

const inference = (operations: string[], routes: string[]) => grantOf("inference", operations, routes);
const admin = (operations: string[], routes: string[]) => grantOf("admin", operations, routes);
const PERMISSIONS: readonly Permission[] = ["open", "inference", "listed", ...ADMIN_PERMISSIONS];
const asked = (grants: readonly Grant[]) => PERMISSIONS.filter((one) => principalOf("ann", "", grants).mayAsk(one));

describe("a principal", () => {
  it("may ask for what any of its grants has in it, and for what is open to all", () => {
    expect(asked([])).toEqual(["open"]);
    expect(asked([inference(["chat"], ["a"])])).toEqual(["open", "inference", "listed"]);
    expect(asked([admin(["routes.read"], ["a"])])).toEqual(["open", "listed", "routes.read"]);
    expect(asked([admin(["keys.write"], [])])).toEqual(["open", "keys.write"]);
    expect(asked([admin([], [])])).toEqual(["open", "listed", ...ADMIN_PERMISSIONS]);
  });

  it("gets nothing of one realm by a word of the other", () => {
    expect(asked([inference(["keys.write"], ["*"])])).toEqual(["open", "inference", "listed"]);
    expect(principalOf("ann", "", [admin(["chat"], ["*"])]).mayCall("chat", "a")).toBe(false);
  });

  it("may call what one grant has as operation and as route together", () => {
    const ann = principalOf("ann", "", [inference(["chat"], ["team-*"]), inference(["embeddings"], ["*"])]);
    const may = (["chat", "embeddings", "completions"] as const).flatMap((op) =>
      ["team-a", "other"].filter((route) => ann.mayCall(op, route)).map((route) => `${op} ${route}`),
    );
    expect(may).toEqual(["chat team-a", "embeddings team-a", "embeddings other"]);
  });

  it("decides the same however often it is asked, and of more routes than it remembers", () => {
    const ann = principalOf("ann", "", [inference(["chat"], ["*0"])]);
    for (let round = 0; round < 2; round++) {
      const wrong = Array.from({ length: 10_000 }, (_, n) => n).filter(
        (n) => ann.mayCall("chat", `route-${n}`) !== (n % 10 === 0),
      );
      expect(wrong).toEqual([]);
    }
  });

  it("without a key may do everything here, inference from afar, and nothing before it was let in", () => {
    expect(PERMISSIONS.filter((one) => ANYBODY.mayAsk(one))).toEqual(PERMISSIONS);
    expect(PERMISSIONS.filter((one) => GUEST.mayAsk(one))).toEqual(["open", "inference", "listed"]);
    expect(PERMISSIONS.filter((one) => NOBODY.mayAsk(one))).toEqual(["open"]);
    expect([ANYBODY, GUEST, NOBODY].map((one) => one.mayCall("chat", "a"))).toEqual([true, true, false]);
    expect([ANYBODY, GUEST, NOBODY].map((one) => one.mayManage("routes.write", "a"))).toEqual([true, false, false]);
  });

  it("is told of the routes that it may call or read", () => {
    const site = siteOf(["a", "b", "c"].map((name) => ({ name, type: "llm/v1/chat", targets: [] })));
    const ann = principalOf("ann", "", [inference(["chat"], ["a"]), admin(["routes.read"], ["b"])]);
    expect(listedFor(ann, site).map(({ name }) => name)).toEqual(["a", "b"]);
    expect(["a", "b", "c", "d"].map((name) => listedRoute(ann, site, name)?.name)).toEqual([
      "a",
      "b",
      undefined,
      undefined,
    ]);
  });
});

it("permissions are told from other texts", () => {
  expect([...PERMISSIONS, "", "admin", "__proto__", undefined].filter(isPermission)).toEqual(PERMISSIONS);
});

describe("a glob", () => {
  it.each([
    ["*", "", true],
    ["*", "anything", true],
    ["a", "a", true],
    ["a", "b", false],
    ["a", "ab", false],
    ["", "", true],
    ["", "a", false],
    ["a*", "a", true],
    ["a*c", "abcbc", true],
    ["a*c", "abcb", false],
    ["*b*", "abc", true],
    ["a**c", "ac", true],
    ["a.c", "abc", false],
    ["A*", "abc", false],
  ])("%j takes %j: %j", (glob, text, taken) => {
    expect(matches(glob, text)).toBe(taken);
  });

  it("says what the same regular expression says, of any letters", () => {
    const random = chance(7);
    const word = (letters: string, most: number) =>
      Array.from({ length: Math.floor(random() * most) }, () => letters[Math.floor(random() * letters.length)]).join(
        "",
      );
    for (let n = 0; n < 20_000; n++) {
      const [glob, text] = [word("ab*", 7), word("ab", 9)];
      const expression = new RegExp(`^${glob.replaceAll("*", ".*")}$`);
      expect([glob, text, matches(glob, text)]).toEqual([glob, text, expression.test(text)]);
    }
  });

  it("with many stars is told in no time", () => {
    expect(matches(`${"a*".repeat(100)}b`, "a".repeat(10_000))).toBe(false);
  });
});

describe("grants are within others", () => {
  it.each<[string, Grant[], Grant[], boolean]>([
    ["nothing in nothing", [], [], true],
    ["something in nothing", [INFERENCE], [], false],
    ["the same", [inference(["chat"], ["a*"])], [inference(["chat"], ["a*"])], true],
    ["fewer operations", [inference(["chat"], [])], [inference(["chat", "embeddings"], [])], true],
    ["more operations", [inference(["chat", "embeddings"], [])], [inference(["chat"], [])], false],
    [
      "all operations in each by its name",
      [inference(["*"], [])],
      [inference(["chat", "completions", "embeddings", "predictions"], [])],
      false,
    ],
    ["a narrower glob", [inference([], ["team-a-*"])], [inference([], ["team-*"])], true],
    ["a wider glob", [inference([], ["team-*"])], [inference([], ["team-a-*"])], false],
    ["a glob that only overlaps", [inference([], ["*-a"])], [inference([], ["team-*"])], false],
    [
      "each glob in another grant",
      [inference(["chat"], ["a", "b"])],
      [inference(["chat"], ["a"]), inference([], ["b"])],
      true,
    ],
    [
      "operations of one grant, routes of another",
      [inference(["chat"], ["b"])],
      [inference(["chat"], ["a"]), inference(["embeddings"], ["b"])],
      false,
    ],
    ["the other realm", [ADMIN], [INFERENCE], false],
    ["everything in everything", [INFERENCE, ADMIN], [ADMIN, INFERENCE], true],
  ])("%s", (_, want, own, answer) => {
    expect(within(want, own)).toBe(answer);
  });

  /** Every word of at most four of these letters. */
  const WORDS = ["", "a", "b", "c"];
  for (let length = 1; length < 4; length++)
    WORDS.push(
      ...WORDS.filter((word) => word.length === length).flatMap((word) => ["a", "b", "c"].map((one) => word + one)),
    );

  it("never when something could be done with them that the others do not allow", () => {
    const random = chance(11);
    const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
    const some = <T>(most: number, make: () => T) => Array.from({ length: Math.ceil(random() * most) }, make);
    const glob = () => some(4, () => pick(["a", "b", "*", "*"])).join("");
    const grant = () =>
      inference(
        some(2, () => pick(["chat", "embeddings", "*"])),
        some(2, glob),
      );
    let allowed = 0;
    for (let n = 0; n < 3_000; n++) {
      const [want, own] = [some(2, grant), some(3, grant)];
      if (!within(want, own)) continue;
      allowed++;
      const [child, parent] = [principalOf("child", "", want), principalOf("parent", "", own)];
      const beyond = (["chat", "embeddings", "completions"] as const).flatMap((op) =>
        WORDS.filter((route) => child.mayCall(op, route) && !parent.mayCall(op, route)),
      );
      expect([want, own, beyond]).toEqual([want, own, []]);
    }
    expect(allowed).toBeGreaterThan(300);
  });

  it("whenever one glob takes all that another takes", () => {
    const random = chance(13);
    const glob = () =>
      Array.from({ length: 1 + Math.floor(random() * 4) }, () => "ab*"[Math.floor(random() * 3)]).join("");
    for (let n = 0; n < 20_000; n++) {
      const [want, own] = [glob(), glob()];
      // `c` stands in no glob, so that a word with it is taken by stars alone: with it, words of this length tell globs apart.
      const contained = WORDS.every((word) => !matches(want, word) || matches(own, word));
      const long = want.replaceAll("*", "ccc");
      expect([want, own, within([inference([], [want])], [inference([], [own])])]).toEqual([
        want,
        own,
        contained && matches(own, long),
      ]);
    }
  });
});
