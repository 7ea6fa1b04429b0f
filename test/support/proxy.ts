/** A wire that a test can cut. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** What becomes of bytes on their way to the server; `lose`: they arrive, and then both ends lose the connection. */
export type Fate = "pass" | "cut" | "lose";

export interface Proxy {
  readonly port: number;
  /** Asked of all that clients send. */
  judge: (sent: Buffer) => Fate;
}

/** A proxy on loopback to a port of the same machine, until the test is over. */
export async function startProxy(to: number): Promise<Proxy> {
  const proxy = { port: 0, judge: (_: Buffer): Fate => "pass" };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    let lost = false;
    upstream.on("data", (bytes) => {
      if (!lost) client.write(bytes);
      else client.destroy();
    });
    client.on("data", (bytes) => {
      const fate = proxy.judge(bytes);
      if (fate === "cut") client.destroy();
      else upstream.write(bytes);
      if (fate === "lose") lost = true;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const one of sockets) one.destroy();
  });
  proxy.port = (server.address() as AddressInfo).port;
  return proxy;
}
