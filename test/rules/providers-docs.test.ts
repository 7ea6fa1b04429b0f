import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PROVIDERS_DOCS, providersDocsText } from "../../scripts/docs-providers.ts";

it("docs/providers.md is what the providers do; `node scripts/docs-providers.ts` makes it", {
  timeout: 60_000,
}, async () => {
  expect(readFileSync(PROVIDERS_DOCS, "utf8")).toBe(await providersDocsText());
});
