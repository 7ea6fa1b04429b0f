/** Every captured exchange of MLflow 2.8.1 and 2.22.5, asked again through the whole gateway. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../../support/gateway.ts";
import { casesOf, configOf, differs, startMock } from "./replay.ts";

const mock = await startMock();
afterAll(() => mock?.stop());

/** Rows of the page: patterns of names, and the version, or `both`. */
const page = readFileSync(new URL("../../../docs/mlflow-differences.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| (`[^|]+`) \| (both|2\.8\.1|2\.22\.5) \|/gm)].flatMap(([, names, version]) =>
  [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => ({ name: name!, version: version! })),
);
const isRow = (version: string, name: string) => (row: { name: string; version: string }) =>
  (row.version === "both" || row.version === version) &&
  new RegExp(`^${row.name.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(name);

describe.skipIf(mock === undefined).each([
  ["2.8.1", 98],
  ["2.22.5", 95],
] as const)("to a client of MLflow %s", (version, least) => {
  let gateway: Gateway;
  let different: readonly string[] = [];
  const cases = casesOf(version);

  beforeAll(async () => {
    gateway = await startGateway(configOf(version, mock!.url), { env: { OPENAI_API_KEY: "sk-test-openai" } });
    const names: string[] = [];
    for (const one of cases) {
      const found = await differs(gateway.url, mock!.url, one, `mlflow-python-client/${version}`);
      if (found.length > 0) names.push(one.name);
    }
    different = names;
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  it(`at least ${least} of 100 answers are MLflow's`, () => {
    expect((100 * (cases.length - different.length)) / cases.length).toBeGreaterThanOrEqual(least);
  });

  it("every other one is explained, and nothing else is", () => {
    expect(different.filter((name) => !rows.some(isRow(version, name)))).toEqual([]);
    const own = rows.filter((row) => row.version === version);
    expect(own.filter((row) => !different.some((name) => isRow(version, name)(row)))).toEqual([]);
  });

  it("the page counts them rightly", () => {
    const equal = (cases.length - different.length).toLocaleString("en");
    expect(page).toContain(`${equal} of ${cases.length.toLocaleString("en")}`);
  });
});
