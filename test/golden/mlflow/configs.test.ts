/** Config files that MLflow 2.8.1, 2.22.5 and 3.17.2 were given: what they took is taken, and what they refused is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { load } from "../../../src/config/load.ts";
import { kinds } from "../../../src/kinds.ts";
import { configText, ENV } from "./configs.ts";

const folder = mkdtempSync(join(tmpdir(), "configs-"));
const keyFile = join(folder, "key");
writeFileSync(keyFile, "file-key-value\n");
afterAll(() => rmSync(folder, { recursive: true }));

type Verdicts = Readonly<Record<string, { readonly ok: boolean; readonly error?: string }>>;

/** Where the verdict is another, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  key_file_missing: "a path that does not exist is a mistake in the path, and no key",
  key_dir: "the same for a folder",
  key_empty: "every call would fail",
  "2.8.1 key_long": "MLflow dies of a long key",
  bedrock_role: "the region is not known, and every call would fail; AWS_REGION gives it, too",
  bedrock_empty: "the same",
  "2.8.1 databricks": "it is a provider here, as it is in 3.x",
  "2.8.1 databricks_ms": "the same",
  "2.22.5 databricks": "the same",
  "2.22.5 databricks_ms": "the same",
  "2.8.1 other_era_keys": "files of all eras load",
  "2.8.1 mixed_type_key": "the same",
  "3.17.2 other_era_keys": "the same",
  "3.17.2 mixed_type_key": "the same",
  "3.17.2 name:'é'": "the same: such names were allowed until then",
  "2.8.1 limit:bad_period": "MLflow 2.8 ignores limits; here they hold, and so must be right",
  "2.8.1 limit:neg": "the same",
  "2.8.1 limit:nocalls": "the same",
  "2.8.1 limit:str": "the same",
  "2.22.5 v3_route_sum": "MLflow 2.22 ignores the splits of 3.x; here they hold, and so must be right, as in 3.x",
  "2.22.5 v3_route_unknown_dest": "the same",
  "2.22.5 v3_route_dup": "the same",
};

describe.each([
  ["2.8.1", { list: "routes", type: "route_type" }],
  ["2.22.5", { list: "endpoints", type: "endpoint_type" }],
  ["3.17.2", { list: "endpoints", type: "endpoint_type" }],
] as const)("a file of MLflow %s", (version, names) => {
  const file = new URL(`configs-${version}.json`, import.meta.url);
  const verdicts = Object.entries(JSON.parse(readFileSync(file, "utf8")) as Verdicts);

  it.each(verdicts)("%s", async (name, { ok }) => {
    const text = configText(name, names, { keyFile, folder });
    const source = text === undefined ? join(folder, "none.yaml") : { file: join(folder, "config.yaml"), text };
    const { problems } = await load(source, { kinds, env: ENV });
    const same = (problems.length === 0) === ok;
    const why = DIFFERENT[`${version} ${name}`] ?? DIFFERENT[name];
    expect({ same, problems: same ? [] : problems.map(({ message }) => message) }).toEqual({
      same: why === undefined,
      problems: why === undefined ? [] : expect.anything(),
    });
  });
});
