import type { WatchRoutesRequest } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { errors } from "../core/errors.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Context } from "./method.ts";
import type { AdminParts } from "./parts.ts";
import { revisionMessage } from "./revision-views.ts";

/** Revisions that are in memory at a time for one watcher, however slowly it reads. */
const BATCH = 20;

/**
 * WatchRoutes: the revisions after a number in their order, each once, as they come. It is read from the ledger each time and not
 * kept, so that a watcher who comes back with the last number that it saw has missed nothing.
 */
export async function* watchRoutes(
  parts: AdminParts,
  { afterRevision }: WatchRoutesRequest,
  context: Context,
  signal: AbortSignal,
) {
  const { ledger } = parts;
  const bell = new Bell(ledger, signal);
  try {
    const { revision: newest } = await ledger.head();
    let after = afterRevision === undefined ? newest : Number(afterRevision);
    if (after > newest)
      throw errors.fieldInvalid([{ field: "after_revision", description: `there are ${newest} revisions yet` }]);
    while (!signal.aborted) {
      // Before the look at the ledger: what changes during it rings for the next.
      const rung = bell.next();
      const found = await ledger.revisionsAfter(after, BATCH);
      for (const record of found) {
        if (signal.aborted) return;
        yield { revision: await revisionMessage(parts, record, await ledger.head(), context) };
        after = record.number;
      }
      if (found.length === 0) await rung;
    }
  } finally {
    bell.close();
  }
}

/** Rings when the ledger changed, or nobody waits any more. */
class Bell {
  private ring: () => void = () => {};
  private readonly stop: () => void;
  private readonly signal: AbortSignal;
  private readonly aborted = () => this.ring();

  constructor(ledger: Ledger, signal: AbortSignal) {
    this.signal = signal;
    this.stop = ledger.onChange(() => this.ring());
    signal.addEventListener("abort", this.aborted);
  }

  /** Resolves at the next ring from now on. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.ring = resolve;
      if (this.signal.aborted) resolve();
    });
  }

  close(): void {
    this.stop();
    this.signal.removeEventListener("abort", this.aborted);
  }
}
