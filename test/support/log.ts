import { createLog, type Log } from "../../src/observe/log.ts";

/** A log that nobody reads, whatever level the config sets. */
export function silentLog(): Log {
  return createLog({ to: { write() {} } });
}

/** A log whose lines a test reads. */
export function keptLog(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  return { log: createLog({ to: { write: (line) => void lines.push(line) } }), lines };
}
