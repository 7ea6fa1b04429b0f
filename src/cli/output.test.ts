import { describe, expect, it } from "vitest";
import { Realm } from "../../gen/polygate/admin/v1/key_admin_pb.js";
import { completionOf } from "./completion.ts";
import { scopeOf } from "./keys.ts";
import { table, timeText } from "./output.ts";

describe("a table", () => {
  const columns = [
    { title: "name", cell: (row: { name: string; count: number }) => row.name },
    { title: "count", cell: (row: { name: string; count: number }) => String(row.count) },
  ];

  it("has columns of equal width and no blanks at the ends of lines", () => {
    const rows = [
      { name: "short", count: 1 },
      { name: "rather long", count: 200 },
    ];
    expect(table(rows, columns)).toBe("NAME         COUNT\nshort        1\nrather long  200\n");
  });

  it("shows what is empty as a dash, and no control character", () => {
    const rows = [
      { name: "", count: 1 },
      { name: "a\u001b[31mb\nc", count: 2 },
    ];
    expect(table(rows, columns)).toContain("a?[31mb?c");
    expect(table(rows, columns)).toContain("\n-");
  });
});

it("times are in UTC, to the second", () => {
  expect(timeText({ seconds: 1_800_000_000n })).toBe("2027-01-15 08:00:00");
  expect(timeText(undefined)).toBe("");
});

describe("a scope of the command line", () => {
  it.each([
    ["inference", Realm.INFERENCE, [], []],
    ["inference:chat,embeddings", Realm.INFERENCE, ["chat", "embeddings"], []],
    ["inference@team-a-*,shared", Realm.INFERENCE, [], ["team-a-*", "shared"]],
    ["admin:routes.write@team-a-*", Realm.ADMIN, ["routes.write"], ["team-a-*"]],
  ])("%s", (text, realm, operations, routes) => {
    expect(scopeOf(text)).toMatchObject({ realm, operations, routes });
  });

  it.each(["", "everything", ":chat", "toString"])("is refused: %j", (text) => {
    expect(() => scopeOf(text)).toThrow(/want inference or admin/);
  });
});

describe("completion", () => {
  const root = {
    name: "polygate",
    words: ["--version"],
    children: [{ name: "routes", words: [], children: [{ name: "list", words: ["--filter"], children: [] }] }],
  };

  it("of bash and zsh tells what may follow each command", () => {
    expect(completionOf("bash", root)).toContain('"routes list") words="--filter" ;;');
    expect(completionOf("zsh", root)).toContain("bashcompinit");
  });

  it("of fish tells the same", () => {
    expect(completionOf("fish", root)).toContain(
      "-n '__fish_seen_subcommand_from routes; and __fish_seen_subcommand_from list' -l filter",
    );
  });
});
