import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ErrorReason, ErrorReasonSchema } from "../../gen/polygate/v1/errors_pb.js";
import { ERRORS_DOCS, errorsDocsText } from "../../scripts/docs-errors.ts";
import { ERROR_REASONS, GRPC, REASONS } from "../../src/core/errors.ts";
import { isTest, sources } from "../support/sources.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const pages = [
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).map((name) => join("docs", name)),
  ...readdirSync(ROOT),
].filter((name) => name.endsWith(".md"));

describe("errors", () => {
  it("docs/errors.md is what the table says; `node scripts/docs-errors.ts` makes it", () => {
    expect(readFileSync(ERRORS_DOCS, "utf8")).toBe(errorsDocsText());
  });

  it("the page has a row for every reason of the proto enum, and no other", () => {
    const rows = [...readFileSync(ERRORS_DOCS, "utf8").matchAll(/^\| ([A-Z_]+) \|/gm)].map(([, reason]) => reason);
    const values = ErrorReasonSchema.values
      .filter(({ number }) => number !== ErrorReason.UNSPECIFIED)
      .map(({ name }) => name.replace(/^ERROR_REASON_/, ""));
    expect(rows).toEqual(values);
    expect(rows).toEqual(ERROR_REASONS);
  });
});

describe("headers", () => {
  const named = (text: string) => new Set(text.match(/\bx-(?:polygate|ratelimit|request)(?:-[a-z]+)+\b/g));

  it("docs/headers.md has every header of ours that the code names, and no other", () => {
    const code = named([...sources("src")].map(([path, text]) => (isTest(path) ? "" : text)).join("\n"));
    expect([...named(read("docs/headers.md"))].sort()).toEqual([...code].sort());
  });

  it("a page of another origin may read every one of an answer", () => {
    const [, answers] = read("docs/headers.md").split("## What an answer tells");
    const exposed = named(read("src/net/cors.ts"));
    expect([...named(answers!)].filter((name) => !exposed.has(name))).toEqual([]);
  });
});

describe("errors.proto", () => {
  const codes = Object.fromEntries(Object.entries(GRPC).map(([name, code]) => [code, name]));

  it.each(Object.entries(REASONS))("says of %s what the table says", (reason, { grpc, http }) => {
    const [, comment] = new RegExp(`((?:  //.*\\n)+)  ERROR_REASON_${reason} =`).exec(
      read("proto/polygate/v1/errors.proto"),
    )!;
    const code = codes[grpc]!.replace(/[A-Z]/g, "_$&").toUpperCase();
    expect(comment).toContain(`\`${code}\``);
    // A provider's refusal has the provider's status, and nobody is there to be told that they left.
    if (/HTTP \d/.test(comment!)) expect(comment).toContain(`HTTP ${http}:`);
    else expect(["UPSTREAM_REJECTED", "CALLER_GONE"]).toContain(reason);
  });
});

describe("observability", () => {
  it("docs/observability.md names every metric that the gateway has, and no other", async () => {
    const { createMetrics } = await import("../../src/observe/metrics.ts");
    const page = await createMetrics({ droppedLines: () => 0 }).text();
    const has = [...page.matchAll(/^# TYPE (polygate_\w+)/gm)].map(([, name]) => name!);
    const told = [...read("docs/observability.md").matchAll(/^\| `(polygate_\w+)`/gm)].map(([, name]) => name!);
    expect(told.toSorted()).toEqual(has.toSorted());
  });
});

describe("dependencies", () => {
  it("docs/adr/0005-dependencies.md has a line for every package of package.json, and no other", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, object>;
    const used = [...Object.keys(dependencies!), ...Object.keys(devDependencies!)];
    const told = [...read("docs/adr/0005-dependencies.md").matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!);
    expect(told.toSorted()).toEqual(used.toSorted());
  });
});

describe("links", () => {
  it.each(pages)("of %s to files of the repository lead somewhere", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to]) => to!);
    const broken = links.filter((to) => !/^[a-z]+:/.test(to) && !existsSync(join(ROOT, dirname(page), to)));
    expect(broken).toEqual([]);
  });

  it.each(pages)("code that %s names exists", (page) => {
    const named = [...read(page).matchAll(/`((?:src|test|scripts|proto|docs|examples|bench)\/[\w./-]+)`/g)].map(
      ([, to]) => to!,
    );
    // What a page makes itself is tried by test/e2e/adding-a-provider.test.ts.
    const missing = named.filter((to) => !existsSync(join(ROOT, to)) && !to.startsWith("src/providers/acme/"));
    expect(missing).toEqual([]);
  });
});
