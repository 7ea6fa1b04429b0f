import { describe, expect, it } from "vitest";
import { didYouMean } from "./nearest.ts";
import { formatProblem, formatProblems, keyPath, Report, WHOLE_FILE } from "./problems.ts";

describe("formatProblem", () => {
  it("gives file, line, column, path, what and what to do", () => {
    const report = new Report("polygate.yaml");
    report.problem({ line: 9, column: 5 }, "routes[1].timout", "unknown key; did you mean timeout?");
    report.problem({ line: 2, column: 1 }, "", "a second document");
    report.problem(WHOLE_FILE, "", "no such file; check the path");
    expect(report.problems.map(formatProblem)).toEqual([
      "polygate.yaml: no such file; check the path",
      "polygate.yaml:2:1: a second document",
      "polygate.yaml:9:5 routes[1].timout: unknown key; did you mean timeout?",
    ]);
  });

  it("keeps problems in the order of the file, and says how many more there are", () => {
    const report = new Report("f");
    for (const line of [3, 1, 2]) report.problem({ line, column: 1 }, "p", `${line}`);
    expect(formatProblems(report.problems, 2)).toBe("f:1:1 p: 1\nf:2:1 p: 2\n... and 1 more");
    expect(formatProblems(report.problems)).toBe("f:1:1 p: 1\nf:2:1 p: 2\nf:3:1 p: 3");
  });
});

describe("keyPath", () => {
  it("quotes a key that is no plain word, and cuts a long one", () => {
    expect([keyPath("", "a"), keyPath("a", "b-c"), keyPath("a", "x y"), keyPath("a", "k".repeat(99))]).toEqual([
      "a",
      "a.b-c",
      'a."x y"',
      `a."${"k".repeat(64)}..."`,
    ]);
  });
});

describe("didYouMean", () => {
  const names = ["listen", "limits", "drain_timeout", "route_type", "tls"];

  it.each([
    ["lisen", "listen"],
    ["limtis", "limits"],
    ["drainTimeout", "drain_timeout"],
    ["drain-timeuot", "drain_timeout"],
    ["Route Type", "route_type"],
    ["tsl", "tls"],
  ])("finds what %s was meant to be", (word, meant) => {
    expect(didYouMean(word, names)).toBe(`; did you mean ${meant}?`);
  });

  it("says nothing when nothing is near", () => {
    for (const word of ["x", "provider", "", "l".repeat(100_000)]) expect(didYouMean(word, names)).toBe("");
  });
});
