import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CONFIG_DOCS, configDocsText } from "../../scripts/docs-config.ts";

it("docs/config.md is what the protos say; `node scripts/docs-config.ts` makes it", { timeout: 60_000 }, () => {
  expect(readFileSync(CONFIG_DOCS, "utf8")).toBe(configDocsText());
});
