import { describe, expect, it } from "vitest";
import { formatProblem, Report } from "./problems.ts";
import type { Node } from "./tree.ts";
import { parseYaml } from "./yaml.ts";

function parse(source: string | Buffer): { tree: Node | undefined; value: unknown; problems: string[]; ms: number } {
  const report = new Report("f.yaml");
  const begun = process.cpuUsage();
  const tree = parseYaml(source, report);
  const { user, system } = process.cpuUsage(begun);
  const ms = (user + system) / 1000;
  return { tree, value: tree && plain(tree), problems: report.problems.map(formatProblem), ms };
}

function plain(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  return new Map([...node.entries].map(([key, { value }]) => [key, plain(value)]));
}

/** Exactly one problem, in less than a second of processor time. */
function refuses(source: string | Buffer, problem: string): void {
  const { problems, ms } = parse(source);
  expect(problems).toEqual([expect.stringContaining(problem)]);
  expect(ms).toBeLessThan(1000);
}

describe("parseYaml", () => {
  it("keeps the place of every key and value", () => {
    const { tree } = parse("a: 1\nb:\n  - x\n  - c: yes\n");
    expect(tree).toMatchObject({
      kind: "table",
      at: { line: 1, column: 1 },
      entries: new Map([
        ["a", { at: { line: 1, column: 1 }, value: { kind: "scalar", at: { line: 1, column: 4 }, value: 1 } }],
        [
          "b",
          {
            at: { line: 2, column: 1 },
            value: {
              kind: "list",
              at: { line: 3, column: 3 },
              items: [
                { kind: "scalar", at: { line: 3, column: 5 }, value: "x" },
                {
                  kind: "table",
                  at: { line: 4, column: 5 },
                  entries: new Map([
                    [
                      "c",
                      {
                        at: { line: 4, column: 5 },
                        value: { kind: "scalar", at: { line: 4, column: 8 }, value: "yes" },
                      },
                    ],
                  ]),
                },
              ],
            },
          },
        ],
      ]),
    });
  });

  it("reads JSON, tabs between its brackets included", () => {
    expect(parse('{\n\t"a": [1, 2.5, true, null],\n\t"b": "x"\n}').value).toEqual(
      new Map<string, unknown>([
        ["a", [1, 2.5, true, null]],
        ["b", "x"],
      ]),
    );
  });

  it("rounds no whole number", () => {
    expect(parse("- 9007199254740993\n- 18446744073709551615\n- -9223372036854775808").value).toEqual([
      9007199254740993n,
      18446744073709551615n,
      -9223372036854775808n,
    ]);
  });

  it("skips a byte order mark, and the first column is still 1", () => {
    for (const source of ["\uFEFFa: 1", Buffer.from("\uFEFFa: 1")]) {
      const { value, tree, problems } = parse(source);
      expect({ value, problems, at: tree!.at }).toEqual({
        value: new Map([["a", 1]]),
        problems: [],
        at: { line: 1, column: 1 },
      });
    }
  });

  it("resolves aliases, and merge keys that do not replace a table's own", () => {
    const { value } = parse("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nm:\n  <<: [*b, *o]\n  x: 9\nn: *b\n");
    const table = (entries: object) => new Map(Object.entries(entries));
    expect(value).toEqual(
      table({
        base: table({ x: 1, y: 2 }),
        other: table({ y: 3, z: 4 }),
        m: table({ x: 9, y: 2, z: 4 }),
        n: table({ x: 1, y: 2 }),
      }),
    );
  });

  it("reads an empty file as nothing", () => {
    expect(parse("").value).toBeNull();
    expect(parse("# only a comment\n").value).toBeNull();
  });
});

describe("parseYaml refuses, with the place", () => {
  it("the same key twice", () =>
    refuses("a: 1\nb:\n  c: 1\n  c: 2\n", "f.yaml:4:3 b.c: here twice, first on line 3; remove one of them"));

  it("a second document", () => refuses("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document starts here"));

  it("tabs as indentation", () => refuses("a:\n\tb: 1\n", "f.yaml:2:1: a tab as indentation; indent with spaces"));

  it("control characters", () => {
    refuses("a: 1\nb: x\0y\n", "f.yaml:2:5: control character U+0000; remove it");
    refuses(Buffer.from("a: \x1b[31m"), "f.yaml:1:4: control character U+001b");
    refuses("a: \u009b31m", "f.yaml:1:4: control character U+009b");
  });

  it("bytes that are not UTF-8", () => {
    refuses(Buffer.from([0x61, 0x3a, 0x20, 0xff]), "f.yaml: not UTF-8 text; save it as UTF-8");
    refuses(Buffer.from("\uFEFFa: 1", "utf16le"), "f.yaml: not UTF-8 text; save it as UTF-8");
  });

  it("__proto__, at any depth, and nothing changes for other objects", () => {
    refuses("a:\n  __proto__: {polluted: 1}\n", "f.yaml:2:3 a.__proto__: not allowed as a key");
    refuses('{"__proto__": {"polluted": 1}}', "f.yaml:1:2 __proto__: not allowed as a key");
    refuses("x: &x\n  '__proto__': 1\ny: {<<: *x}\n", "f.yaml:2:3 x.__proto__: not allowed as a key");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("tags, those that would run code among them", () => {
    refuses("a: !!js/function 'function(){}'\n", "f.yaml:1:18 a: tags have no meaning here");
    refuses("a: !!python/object/apply:os.system ['id']\n", "f.yaml:1:36 a: tags have no meaning here");
    expect(parse("a: !!str 12\n")).toMatchObject({ problems: [], value: new Map([["a", "12"]]) });
  });

  it("an alias without an anchor, without repeating what may be a key", () => {
    const { problems } = parse("key: *sk-very-secret\n");
    expect(problems).toEqual([
      "f.yaml:1:6 key: no anchor of this name stands above; put a text that starts with * in quotes",
    ]);
  });

  it("an alias to what it stands in", () =>
    refuses("a: &a [*a]\n", "f.yaml:1:8 a[0]: no anchor of this name stands above"));

  it("a key that is not a plain value", () => refuses("? [a, b]\n: 1\n", "f.yaml:1:3: want a plain key"));

  it("something that is no table to merge", () => refuses("a:\n  <<: 5\n", 'f.yaml:2:7 a."<<": want a table to merge'));

  it("broken syntax, in words that repeat no value", () => {
    refuses("a: b: c\n", "f.yaml:1:4: a second `: ` on one line; put the value in quotes");
    refuses('a: "unclosed\nb: 1\n', "f.yaml:3:1: the file ends within quotes; close the quote that is open above");
    refuses("a: [1, 2\n", "f.yaml:2:1: not valid YAML: Flow sequence");
    for (const source of [
      "key: |sk-canary\n",
      "key: @sk-canary\n",
      "key: %sk-canary\n",
      "key: !sk-canary",
      '"sk-canary" x: y',
    ]) {
      const { problems } = parse(source);
      expect(problems.length, source).toBeGreaterThan(0);
      expect(problems.join(), source).not.toContain("sk-canary");
    }
  });
});

describe("parseYaml is not brought down by", () => {
  const M = 1024 * 1024;

  it("a billion laughs", () => {
    let source = `a0: &a0 [${"lol,".repeat(9)}]\n`;
    for (let level = 1; level < 10; level++) source += `a${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]\n`;
    refuses(source, "f.yaml:6:10 a5[0]: more than 100000 values, aliases counted in full; make the file smaller");
  });

  it("100,000 aliases", () => refuses(`a: &a [1, 2]\nb:\n${"  - *a\n".repeat(99_000)}`, "more than 200000 tokens"));

  it("merge keys that multiply", () => {
    let source = `m0: &m0 {${Array.from({ length: 500 }, (_, i) => `k${i}: 1`).join(", ")}}\n`;
    for (let i = 1; i < 400; i++) source += `m${i}: &m${i} {<<: [*m${i - 1}, *m0], x${i}: 1}\n`;
    refuses(source, "more than 100000 values, aliases counted in full");
  });

  it("a chain of aliases deeper than the stack", () => {
    let source = "a0: &a0 [1]\n";
    for (let i = 1; i < 400; i++) source += `a${i}: &a${i} [[[[[*a${i - 1}]]]]]\n`;
    refuses(source, "nested more than 100 levels deep");
  });

  it("brackets nested 100,000 deep, and 200", () => {
    const { problems, ms } = parse("[".repeat(100_000));
    expect(problems.join()).toContain("nested too deeply");
    expect(ms).toBeLessThan(1000);
    refuses(`${"[".repeat(200)}${"]".repeat(200)}`, "f.yaml:1:101 ");
  });

  it("more than 4 MiB", () => {
    refuses(`a: ${"x".repeat(4 * M)}`, "f.yaml: larger than 4 MiB");
    refuses(Buffer.alloc(50 * M, "a"), "f.yaml: larger than 4 MiB");
  });

  it.each([
    ["commas", `[${",".repeat(4 * M - 10)}`],
    ["tags", "!a ".repeat(M)],
    ["anchors", "&a ".repeat(M)],
    ["keys", Array.from({ length: 300_000 }, (_, i) => `k${i}: 1`).join("\n")],
    ["documents", "---\n".repeat(M - 1)],
    ["quotes", '"'.repeat(M)],
    ["comments", "#\n".repeat(M)],
    ["empty lines", "\n".repeat(4 * M)],
    ["digits", `a: ${"9".repeat(4 * M - 10)}`],
    ["a folded text", `a: >\n${" x\n".repeat(M)}`],
    ["a folded text of 99,000 lines", `a: >\n${`${" x".repeat(20)}\n`.repeat(99_000)}`],
  ])("a file full of %s", (_, source) => {
    const { ms } = parse(source);
    expect(ms).toBeLessThan(1000);
  });
});
