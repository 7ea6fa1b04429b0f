import { once } from "node:events";

/** A connection to a process that runs with `--inspect`. */
export interface Inspector {
  /** Rejects with the process's own words. */
  call(method: string, params?: object): Promise<unknown>;
  close(): void;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** @param url What the process writes as it starts: `ws://127.0.0.1:PORT/ID`. */
export async function attach(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Answer;
    if (id === undefined) return;
    const one = waiting.get(id);
    waiting.delete(id);
    if (error) one?.reject(new Error(error.message));
    else one?.resolve(result);
  });
  return {
    call(method, params = {}) {
      const one = Promise.withResolvers<unknown>();
      waiting.set(++last, one);
      socket.send(JSON.stringify({ id: last, method, params }));
      return one.promise;
    },
    close: () => socket.close(),
  };
}
