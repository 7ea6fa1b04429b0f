import { dirname, resolve } from "node:path";
import { load } from "./config/load.ts";
import { formatProblem } from "./config/problems.ts";
import { kinds } from "./kinds.ts";
import { resealStore, StoreRefused } from "./ledger-of.ts";
import { realClock } from "./net/clock.ts";

/** Seals the store of a config file anew. Lines for a person, and the exit code: 1 it does not answer, 2 something has to be changed. */
export async function resealFile(
  file: string,
): Promise<{ readonly lines: readonly string[]; readonly exit: 0 | 1 | 2 }> {
  const { config, problems } = await load(file, { kinds });
  if (problems.length > 0) return { lines: problems.map(formatProblem), exit: 2 };
  const parts = { store: config.store, file, folder: dirname(resolve(file)), clock: realClock, failed: () => {} };
  try {
    const count = await resealStore(parts);
    return { lines: [`${count} secrets are sealed anew`], exit: 0 };
  } catch (thrown) {
    if (thrown instanceof StoreRefused) return { lines: [thrown.message], exit: thrown.exitCode };
    throw thrown;
  }
}
