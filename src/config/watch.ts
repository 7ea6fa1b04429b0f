import { readlink } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type FSWatcher, watch as watchFolders } from "chokidar";
import { digestOf } from "./files.ts";
import type { Loaded } from "./load.ts";

/** Milliseconds from an event to a look, and between two looks that have to agree. */
const SETTLE_MS = 50;

/** What a load read: its files, and the digest of what was in them. */
export type Read = Pick<Loaded, "files" | "digest">;

/** A running watch. */
export interface Watching {
  /** Goes on with the files of a newer load, whether or not it had problems. Call it after every load. */
  follow(read: Read): void;
  /** Ends it: `onChange` is not called again. */
  close(): Promise<void>;
}

/**
 * Calls `onChange` when the files no longer hold what was read: written in place, replaced by a rename, swapped behind a
 * symbolic link as Kubernetes does with a ConfigMap, deleted, or made again. It takes about 0.1 s, and waits while a file
 * is still being written. A touch that changes nothing calls nothing.
 *
 * The folders are watched and not the files, for a swapped link gives no event on the file behind it; events are hints
 * alone, and contents decide. Where a mount has no events, set `CHOKIDAR_USEPOLLING=1` in the environment.
 *
 * @param onError Told when the system refuses to watch, such as for want of inotify watches; what can be watched still is.
 */
export function watch(read: Read, onChange: () => void, onError: (error: unknown) => void = () => {}): Watching {
  const watcher = new Watcher(read, onChange, onError);
  return { follow: (next) => watcher.follow(next), close: () => watcher.close() };
}

class Watcher {
  private read: Read;
  private readonly onChange: () => void;
  private readonly events: FSWatcher;
  private readonly folders = new Set<string>();
  private names: ReadonlySet<string> = new Set();
  /** A digest that was seen once and has to be seen twice. */
  private unsettled: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private again = false;
  private closed = false;

  constructor(read: Read, onChange: () => void, onError: (error: unknown) => void) {
    this.read = read;
    this.onChange = onChange;
    // Entries that are found at first come as events too: what changed before the watch stood is seen by that.
    // What else lies in the folder, such as a log that is written to all the time, would be looked up at each of its events.
    const ignored = (path: string) => !this.folders.has(path) && !this.names.has(basename(path));
    this.events = watchFolders([], { depth: 0, followSymlinks: false, atomic: false, ignored });
    this.events.on("all", (_, path) => this.hint(path));
    // The system's own events: the others come after a check that can take a second on a busy machine.
    this.events.on("raw", (_, path) => this.hint(path));
    this.events.on("error", onError);
    this.lookSoon();
  }

  follow(read: Read): void {
    this.read = read;
    this.lookSoon();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.events.close();
  }

  /** Only the name counts, for raw events know no more; what else happens in the folder is not looked at. */
  private hint(path: string | null): void {
    if (path === null || this.names.has(basename(path))) this.lookSoon();
  }

  private lookSoon(): void {
    this.again = this.looking;
    if (!this.closed && !this.looking) this.timer ??= setTimeout(() => void this.look(), SETTLE_MS);
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    this.looking = true;
    const { files } = this.read;
    await this.aim(files);
    const digest = await digestOf(files);
    this.looking = false;
    if (this.closed) return;
    if (digest === this.read.digest || files !== this.read.files) this.unsettled = undefined;
    else if (digest === this.unsettled) {
      this.unsettled = undefined;
      this.read = { files, digest };
      this.onChange();
    } else {
      this.unsettled = digest;
      this.again = true;
    }
    if (this.again) this.lookSoon();
  }

  /** Watches the folders where the files stand now; a swapped link may have moved them. */
  private async aim(files: readonly string[]): Promise<void> {
    const points = [...(await pointsOf(files))];
    this.names = new Set(points.map((point) => basename(point)));
    const wanted = new Set(points.map((point) => dirname(point)));
    if (this.closed) return;
    for (const folder of this.folders)
      if (!wanted.has(folder) && this.folders.delete(folder)) this.events.unwatch(folder);
    for (const folder of wanted) if (!this.folders.has(folder) && this.folders.add(folder)) this.events.add(folder);
  }
}

/** The files themselves, their folders, and every symbolic link on the way to what they hold. */
async function pointsOf(files: readonly string[]): Promise<Set<string>> {
  const points = new Set<string>();
  const paths = new Set(files);
  // The set grows while links are followed; links that lead into themselves would grow it for ever.
  const most = files.length * 8 + 32;
  for (const path of paths) {
    points.add(path).add(dirname(path));
    for (let at = path; at !== dirname(at) && paths.size < most; at = dirname(at)) {
      const target = await readlink(at).catch(() => undefined);
      if (target === undefined) continue;
      points.add(at);
      paths.add(join(resolve(dirname(at), target), relative(at, path)));
    }
  }
  return points;
}
