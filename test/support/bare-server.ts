/** A server of bare sockets, for answers that no HTTP server would give. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface BareServer extends AsyncDisposable {
  readonly origin: string;
  /** Connections that were opened so far. */
  readonly accepted: number;
  /** Connections that are open now. */
  readonly open: number;
}

/**
 * Listens on a free loopback port.
 *
 * @param serve Called with each connection and how many there were before it.
 */
export async function bareServer(serve: (socket: Socket, nth: number) => void): Promise<BareServer> {
  let nth = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    serve(socket, nth++);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return nth;
    },
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
