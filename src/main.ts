#!/usr/bin/env node
// Nothing is imported here: what is imported is loaded before the first line runs, and what is loaded needs a Node of today.

/** Oldest Node that gets fixes for what this program stands on. */
const NODE_FLOOR = [22, 22, 2] as const;

function isTooOld(): boolean {
  const have = process.versions.node.split(".").map(Number);
  for (let i = 0; i < 3; i++) if (have[i] !== NODE_FLOOR[i]) return (have[i] ?? 0) < NODE_FLOOR[i]!;
  return false;
}

/** What V8 made of these files when they were built (`scripts/warm.ts`): to read it takes less than to compile them. */
function useCache(): void {
  const { existsSync } = process.getBuiltinModule("node:fs");
  const { enableCompileCache } = process.getBuiltinModule("node:module");
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  const cache = fileURLToPath(new URL("cache", import.meta.url));
  if (existsSync(cache)) enableCompileCache(cache);
}

if (isTooOld()) {
  process.stderr.write(`polygate needs Node ${NODE_FLOOR.join(".")} or later, and this is ${process.versions.node}.\n`);
  process.exitCode = 1;
} else {
  useCache();
  const { main } = await import("./command.ts");
  await main();
}
