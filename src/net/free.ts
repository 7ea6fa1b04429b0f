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
