/** Servers that nobody here wrote, for suites that put the gateway in front of them. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Polls until the address answers 200. Throws when the process ends. */
export async function answers(url: string, server: ChildProcess): Promise<void> {
  const ok = () =>
    fetch(url).then(
      (response) => response.ok,
      () => false,
    );
  while (!(await ok())) {
    if (server.exitCode !== null) throw new Error(`The server of ${url} ended with ${server.exitCode}.`);
    await delay(200);
  }
}
