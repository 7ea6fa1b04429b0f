import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Longest time for it, milliseconds. */
const MAX_MS = 20_000;

/**
 * Has V8 keep what it compiles of `dist` for a start and one call, in `dist/cache`: a start takes a sixth less CPU by that. It holds
 * for this version of Node and this user; others, and a build where this failed, start as if there were none.
 *
 * @param main Path of the compiled `main.js`.
 * @param cache Path of the folder.
 */
export async function warm(main: string, cache: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "polygate-warm-"));
  mkdirSync(cache);
  const gateway = spawn(process.execPath, [main, "start", "--port", "0", "--workers", "1"], {
    cwd: folder,
    // Whoever builds may have settings that are meant for another gateway.
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: MAX_MS,
  });
  const ended = once(gateway, "close");
  try {
    await ask(gateway.stderr);
    gateway.kill("SIGTERM");
    const [code] = await ended;
    if (code !== 0) throw new Error(`it ended with ${String(code)}`);
  } catch (thrown) {
    process.stderr.write(`the compile cache was not made, and starts take longer: ${String(thrown)}\n`);
    gateway.kill("SIGKILL");
    await ended;
    rmSync(cache, { recursive: true, force: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Asks the gateway once it says where it listens. */
async function ask(says: NodeJS.ReadableStream): Promise<void> {
  for await (const line of createInterface(says)) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Hello" }] });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
    await answer.text();
    return;
  }
  throw new Error("it did not say where it listens");
}
