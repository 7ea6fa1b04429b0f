import type { Ledger, LedgerWrites } from "./core/ledger.ts";

/**
 * A ledger whose file is made by the first write: until then what the gateway itself notes is kept in memory, so that whoever
 * never asks the admin API for anything finds no file. Then all of it goes into the file, under the same numbers.
 */
export interface LazyLedger {
  /** For the admin API: a write makes the file. */
  readonly ledger: Ledger;
  /** For the gateway's own notes: a write goes into the file when there is one. */
  readonly own: Ledger;
}

/**
 * @param memory What was noted so far.
 * @param make Makes the file and opens it, with all of `memory` in it. Throws STORE_UNAVAILABLE; it is tried again then.
 */
export function lazyLedger(kind: string, memory: Ledger, make: (memory: Ledger) => Promise<Ledger>): LazyLedger {
  let inner = memory;
  let making: Promise<void> | undefined;
  const listeners = new Map<() => void, () => void>();
  // Two listeners that are one function are two.
  const listen = (listener: () => void) => {
    const own = () => listener();
    listeners.set(own, inner.onChange(own));
    return () => {
      listeners.get(own)?.();
      listeners.delete(own);
    };
  };
  const makeNow = async () => {
    const made = await make(memory);
    inner = made;
    for (const [own, stop] of listeners) {
      stop();
      listeners.set(own, made.onChange(own));
    }
    await memory.close();
  };
  const reads = {
    kind,
    writable: true,
    head: () => inner.head(),
    routes: (at?: number) => inner.routes(at),
    route: (name: string) => inner.route(name),
    revision: (number: number) => inner.revision(number),
    revisions: (...asked: Parameters<Ledger["revisions"]>) => inner.revisions(...asked),
    revisionsAfter: (number: number, limit: number) => inner.revisionsAfter(number, limit),
    keys: () => inner.keys(),
    key: (id: string) => inner.key(id),
    audit: (page: Parameters<Ledger["audit"]>[0]) => inner.audit(page),
    auditAfter: (sequence: number, limit: number) => inner.auditAfter(sequence, limit),
    note: (name: string) => inner.note(name),
    notes: () => inner.notes(),
    onChange: listen,
    close: async () => {
      await making?.catch(() => undefined);
      await inner.close();
    },
  };
  const own = async <T>(act: (tx: LedgerWrites) => Promise<T>): Promise<T> => {
    // What is noted while all is copied would be lost.
    await making?.catch(() => undefined);
    return inner.write(act);
  };
  const write = async <T>(act: (tx: LedgerWrites) => Promise<T>): Promise<T> => {
    if (inner === memory) {
      making ??= makeNow();
      await making.finally(() => {
        making = undefined;
      });
    }
    return inner.write(act);
  };
  return { ledger: { ...reads, write }, own: { ...reads, write: own } };
}
