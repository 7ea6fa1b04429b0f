/** Whoever is killed: what was acknowledged is there, and nothing is there by half. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { asGatewayError } from "../../src/core/errors.ts";
import { placeOf, postgresSuite } from "../contract/ledger-places.ts";
import { folderOf } from "../support/folder.ts";
import { opened, until } from "../support/ledger.ts";
import { consistent, write } from "./consistent.ts";
import { startWriter } from "./processes.ts";

/** Kills writers one after the other, each at a moment of its own; gives what each acknowledged last. */
async function killed(kind: string, settings: object, rounds: number, check: (acknowledged: number) => Promise<void>) {
  for (let round = 0; round < rounds; round++) {
    const writer = startWriter(kind, settings);
    await writer.said(2 + Math.floor(Math.random() * 20));
    writer.process.kill("SIGKILL");
    await writer.ended;
    expect(writer.lines.at(-1)).toMatch(/^\d+$/);
    await check(writer.acknowledged());
  }
}

it("keeps what a process wrote to SQLite that is killed while it writes", { timeout: 60_000 }, async () => {
  const path = join(folderOf(), "polygate.db");
  await killed("sqlite", { path }, 8, async (acknowledged) => {
    const ledger = await placeOf("sqlite", { path }).open();
    const newest = await consistent(ledger);
    await ledger.close();
    expect([acknowledged, acknowledged + 1]).toContain(newest);
    const db = new DatabaseSync(path);
    expect(db.prepare("pragma integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    db.close();
  });
});

it("lets another process write to SQLite on while one is killed", { timeout: 60_000 }, async () => {
  const path = join(folderOf(), "polygate.db");
  const ledger = await opened(placeOf("sqlite", { path }));
  await killed("sqlite", { path }, 3, async (acknowledged) => {
    expect(await write(ledger)).toBeGreaterThan(acknowledged);
    await consistent(ledger);
  });
});

postgresSuite("PostgreSQL", (server) => {
  it("keeps what a gateway wrote that is killed while it writes", async () => {
    const url = await server().newDatabase();
    const ledger = await opened(placeOf("postgres", { url }));
    await killed("postgres", { url }, 5, async (acknowledged) => {
      // The server may be at its last commit still: whoever writes waits for it.
      const next = await write(ledger);
      expect([acknowledged + 1, acknowledged + 2]).toContain(next);
      expect(await consistent(ledger)).toBe(next);
    });
  });

  it("keeps what was acknowledged, and nothing that was refused, when the server is killed", async () => {
    const url = await server().newDatabase();
    const ledger = await opened(placeOf("postgres", { url, failed: () => undefined }));
    const kept: string[] = [];
    const refused: string[] = [];
    let stop = false;
    const writing = (async () => {
      for (let n = 0; !stop; n++) {
        const error = await write(ledger, `w${n}`).then(
          () => void kept.push(`w${n}`),
          (thrown: unknown) => asGatewayError(thrown),
        );
        if (!error) continue;
        expect(error.fault.reason).toBe("STORE_UNAVAILABLE");
        if (error.message.includes("nothing was changed")) refused.push(`w${n}`);
      }
    })();
    await until(() => kept.length > 30);
    await server().kill();
    await until(() => refused.length > 0, 20_000);
    await server().start();
    const before = kept.length;
    await until(() => kept.length > before + 10, 30_000);
    stop = true;
    await writing;
    await consistent(ledger);
    const there = new Set((await ledger.auditAfter(0, 100_000)).map(({ resource }) => resource));
    expect(kept.filter((one) => !there.has(one))).toEqual([]);
    expect(refused.filter((one) => there.has(one))).toEqual([]);
  });
});
