import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** A file's bytes, or why there are none: `TOO_LARGE`, `NOT_A_FILE`, or the system's code such as `ENOENT`. */
export type Content = Buffer | string;

/** Bytes; the config file's own limit, and far more than any key or certificate. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** The files that one configuration is made of, each read once: all who ask see the same bytes. */
export class Files {
  private readonly known = new Map<string, Promise<Content>>();

  /** Every path that was asked for, whether or not there is such a file. */
  get paths(): string[] {
    return [...this.known.keys()];
  }

  /** @param path Absolute. */
  read(path: string): Promise<Content> {
    const content = this.known.get(path) ?? readRegular(path);
    this.known.set(path, content);
    return content;
  }

  /** SHA-256 over paths and contents: equal exactly when nothing has changed. */
  async digest(): Promise<string> {
    const hash = createHash("sha256");
    for (const path of this.paths.sort()) {
      const content = await this.read(path);
      hash.update(`${path}\0${typeof content === "string" ? content : content.length}\0`).update(content);
    }
    return hash.digest("hex");
  }
}

/** The digest of some files as they are now. */
export async function digestOf(paths: readonly string[]): Promise<string> {
  const files = new Files();
  await Promise.all(paths.map((path) => files.read(path)));
  return files.digest();
}

async function readRegular(path: string): Promise<Content> {
  try {
    await using file = await open(path);
    const stat = await file.stat();
    if (!stat.isFile()) return "NOT_A_FILE";
    return stat.size > MAX_FILE_BYTES ? "TOO_LARGE" : await file.readFile();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "UNREADABLE";
  }
}

/** `Content`'s codes in words, with what to do. */
export function whyUnreadable(code: string): string {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return "no such file; check the path";
    case "EACCES":
    case "EPERM":
      return "may not be read by the gateway's user; change its permissions";
    case "NOT_A_FILE":
    case "EISDIR":
      return "not a file; give the path of one";
    case "TOO_LARGE":
      return "larger than 4 MiB; make it smaller";
    default:
      return `cannot be read (${code}); check the path and the disk`;
  }
}
