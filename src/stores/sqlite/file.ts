import { closeSync, existsSync, openSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { errors, type GatewayError } from "../../core/errors.ts";

/** How long a lock is waited for with the event loop standing still. */
const STILL_MS = 10;
/** How long a lock is waited for in all. */
const PATIENCE_MS = 5_000;
const LONGEST_PAUSE_MS = 50;

/** Primary result codes. https://www.sqlite.org/rescode.html */
const CODES = { busy: 5, locked: 6, readOnly: 8, full: 13 } as const;

/**
 * Opens the file as its own user's alone (mode 0600 when it is made), with a write-ahead log, and with every commit on the disk
 * before it returns. Throws STORE_UNAVAILABLE.
 */
export async function openFile(path: string, create: boolean): Promise<DatabaseSync> {
  if (!create && !existsSync(path)) throw errors.storeUnavailable(`There is no store at ${path}.`);
  let db: DatabaseSync | undefined;
  try {
    // SQLite would make it readable for all, and its log and its shared memory like it.
    if (create) closeSync(openSync(path, "a", 0o600));
    const url = pathToFileURL(path);
    url.searchParams.set("mode", "rw");
    const opened = new DatabaseSync(url, { timeout: STILL_MS, enableForeignKeyConstraints: true });
    db = opened;
    const mode = await patiently(() => {
      const now = opened.prepare("pragma journal_mode").get()?.["journal_mode"];
      return now === "wal" ? now : opened.prepare("pragma journal_mode = wal").get()?.["journal_mode"];
    });
    if (mode !== "wal") throw new Error(`its file system takes no write-ahead log but "${String(mode)}"`);
    opened.exec("pragma synchronous = full");
    return opened;
  } catch (error) {
    db?.close();
    const why = error instanceof Error ? error.message : String(error);
    throw errors.storeUnavailable(`The store ${path} cannot be opened: ${why}.`, error);
  }
}

/** Tells whether the path still leads to the file that is there now: what is written to a removed file is lost. */
export function sameFile(path: string): () => boolean {
  const { ino, dev } = statSync(path);
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    return now?.ino === ino && now.dev === dev;
  };
}

/** Runs it again while somebody else has the lock, for 5 s in all, and lets others run meanwhile. */
export async function patiently<T>(run: () => T): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return run();
    } catch (error) {
      const code = codeOf(error);
      if ((code !== CODES.busy && code !== CODES.locked) || performance.now() > end) throw error;
      await delay(pause);
    }
  }
}

/** What SQLite threw, as STORE_UNAVAILABLE. */
export function failure(error: unknown): GatewayError {
  return errors.storeUnavailable(`${SENTENCES.get(codeOf(error)) ?? "The store failed"}; nothing was changed.`, error);
}

const SENTENCES: ReadonlyMap<number | undefined, string> = new Map([
  [CODES.busy, "Another process keeps the store locked"],
  [CODES.locked, "Another process keeps the store locked"],
  [CODES.readOnly, "The store's file cannot be written"],
  [CODES.full, "The store's disk is full"],
]);

function codeOf(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}
