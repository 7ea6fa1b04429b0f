/** Bytes over a socket, for what no HTTP client would send. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** An open socket and what came back over it. */
export interface RawSocket extends AsyncDisposable {
  readonly socket: Socket;
  /** Everything received so far, as latin1. */
  readonly text: string;
  send(bytes: string | Uint8Array): void;
  /** Resolves with `text` once it holds `part`; rejects when the socket closes without. */
  until(part: string): Promise<string>;
  /** Resolves with everything received when the other side has closed. */
  readonly closed: Promise<string>;
}

export async function rawSocket(port: number): Promise<RawSocket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  let text = "";
  const look = new Set<() => void>();
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (const one of look) one();
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(text)));
  return {
    socket,
    get text() {
      return text;
    },
    send: (bytes) => void socket.write(bytes),
    until(part) {
      return new Promise((resolve, reject) => {
        const check = () => {
          if (!text.includes(part)) return;
          look.delete(check);
          resolve(text);
        };
        look.add(check);
        void closed.then(() =>
          reject(new Error(`closed without ${JSON.stringify(part)}; received ${JSON.stringify(text)}`)),
        );
        check();
      });
    },
    closed,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await closed;
    },
  };
}
