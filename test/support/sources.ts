/** The repository's own TypeScript as text, for the rules that it is held to. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Texts by their paths from the root; every `.ts` file below the folders. */
export function sources(...folders: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const folder of folders) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || name.includes("node_modules")) continue;
      found.set(join(folder, name), readFileSync(join(ROOT, folder, name), "utf8"));
    }
  }
  return found;
}

export const isTest = (path: string): boolean => path.endsWith(".test.ts");
