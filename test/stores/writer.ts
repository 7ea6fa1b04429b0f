/**
 * A process that writes to a ledger until it is killed or a write fails, and prints what happened, a line each: `open`, then
 * the number of each write that was acknowledged, or at the end what it ended with and `read` with the newest number.
 *
 *     node writer.ts sqlite '{"path": "/a/file.db"}'
 */
import { loadStore } from "../../src/registry.ts";
import { write } from "./consistent.ts";

const [kind, settings] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(`${text}\n`);

try {
  const store = await loadStore(kind!);
  const ledger = await store.openLedger!({
    path: "",
    url: "",
    pollMs: undefined,
    create: true,
    failed: () => undefined,
    ...(JSON.parse(settings!) as object),
  });
  say("open");
  try {
    for (;;) say(`${await write(ledger)}`);
  } catch (error) {
    say((error as Error).message);
    say(`read ${(await ledger.head()).revision}`);
  }
  await ledger.close();
} catch (error) {
  say((error as Error).message);
}
