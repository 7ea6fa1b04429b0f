import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { readOnly } from "../../src/core/ledger.ts";
import { loadStore } from "../../src/registry.ts";
import { revision } from "../support/ledger.ts";
import { ledgerContract } from "./ledger.ts";
import { memoryPlace, PLACES } from "./ledger-places.ts";

const folders = readdirSync(new URL("../../src/stores/", import.meta.url));
const kinds: string[] = [];
for (const kind of folders) if ((await loadStore(kind)).openLedger) kinds.push(kind);

it("every kind of store with a ledger is tried", () => {
  expect(kinds.filter((kind) => !(kind in PLACES))).toEqual([]);
});

for (const kind of kinds) {
  const places = PLACES[kind];
  places?.suite((newPlace) => ledgerContract(kind, newPlace, places.shared));
}

it("a ledger that is only read shows what is there, and refuses writes in the words that it was given", async () => {
  const ledger = await (await memoryPlace()).open();
  const shown = readOnly(ledger, "The gateway has no store; set `store` in polygate.yaml.");
  await ledger.write((tx) => tx.addRevision(revision({ cause: "file" })));
  expect(shown.writable).toBe(false);
  expect(await shown.revisions({ limit: 1 })).toEqual(await ledger.revisions({ limit: 1 }));
  await expect(shown.write(async () => 1)).rejects.toMatchObject({
    message: "The gateway has no store; set `store` in polygate.yaml.",
    fault: { reason: "RESOURCE_OWNED" },
  });
});
