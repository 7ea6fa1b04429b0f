import { createLog, type Log } from "../../src/observe/log.ts";

/** A log that nobody reads. */
export function silentLog(): Log {
  const log = createLog();
  log.level = "silent";
  return log;
}
