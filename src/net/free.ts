import { createServer } from "node:net";

/**
 * Rejects with the system's error, such as EADDRINUSE, when somebody listens there. A port that may be shared could be shared
 * with another gateway by mistake, and the system would not say so.
 */
export async function assertFree(host: string | undefined, port: number | undefined): Promise<void> {
  const probe = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  probe.once("error", reject);
  probe.listen({ host, port, exclusive: true }, resolve);
  await promise;
  await new Promise((done) => probe.close(done));
}

/** How often any port is asked for anew when the system gives one that may not be used. */
const TRIES = 20;

/**
 * A port of the loopback interface that nobody listens on now; `undefined`: there is none.
 *
 * @param range First and last; `undefined`: any.
 * @param held Not these, but for `wanted`.
 * @param wanted This one if it is free.
 */
export async function freePort(
  range: readonly [first: number, last: number] | undefined,
  held: ReadonlySet<number>,
  wanted: number | undefined,
): Promise<number | undefined> {
  if (wanted !== undefined && (await bound(wanted)) !== undefined) return wanted;
  const [first, last] = range ?? [1, TRIES];
  for (let one = first; one <= last; one++) {
    if (range !== undefined && held.has(one)) continue;
    const port = await bound(range === undefined ? 0 : one);
    if (port !== undefined && !held.has(port)) return port;
  }
  return undefined;
}

/** The port that a listener got, which is closed again; `undefined`: it got none. */
async function bound(port: number): Promise<number | undefined> {
  const probe = createServer();
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  probe.once("error", () => resolve(undefined));
  probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
    const { port: got } = probe.address() as { port: number };
    probe.close(() => resolve(got));
  });
  return promise;
}
