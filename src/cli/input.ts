import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { CommandFailed, EXIT } from "./io.ts";

/** A file's bytes; of `-` those of standard input. Throws `CommandFailed` with the system's code. */
export async function readInput(file: string, name = file): Promise<Buffer> {
  if (file === "-") return buffer(process.stdin);
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new CommandFailed(`${name}: cannot be read (${error.code})`, EXIT.invalid);
  });
}
