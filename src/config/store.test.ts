import { expect, it } from "vitest";
import { load } from "./load.ts";
import { formatProblem } from "./problems.ts";

const kinds = { names: () => [], provider: async () => undefined };
const env = { DB: "postgres://u:p@db/polygate", KEY: "ab".repeat(32), SHORT: "c2hvcnQ=" };
const loaded = (store: string) => load({ file: "f.yaml", text: `routes: []\nstore: ${store}\n` }, { kinds, env });
const problemsOf = async (store: string) => (await loaded(store)).problems.map(formatProblem);

it.each(["none", "sqlite", "{kind: none}"])("takes the kind by its name: %s", async (store) => {
  const { config, problems } = await loaded(store);
  expect(problems).toEqual([]);
  expect(store).toContain(config.store!.kind);
});

it("takes a database with its key", async () => {
  expect(await problemsOf("{kind: postgres, url: $DB, encryption_key: $KEY}")).toEqual([]);
});

it.each([
  ["nothere", 'have "nothere"'],
  ["{kind: postgres, encryption_key: $KEY}", "url: missing; say where the database is"],
  ["{kind: postgres, url: $DB}", "encryption_key: missing; postgres needs one"],
  ["{kind: postgres, url: $KEY, encryption_key: $KEY}", "url: want an address such as postgres://"],
  ["{path: a.db, encryption_key: $SHORT}", "encryption_key: want 32 bytes"],
  ["{former_encryption_keys: [$KEY, $SHORT]}", "former_encryption_keys[1]: want 32 bytes"],
  ["{kind: none, path: a.db}", "path: is of the kind sqlite alone"],
])("refuses %s", async (store, problem) => {
  expect(await problemsOf(store)).toEqual([expect.stringContaining(problem)]);
});
