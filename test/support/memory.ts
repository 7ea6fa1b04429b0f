/** One exchange without a socket: what is asked, and every byte of the answer. */
import type { Inbound } from "../../src/core/protocol.ts";
import { exchange } from "./exchange.ts";

export interface Remembered {
  readonly inbound: Inbound;
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** The answer is whole, or was broken off. */
  readonly over: "whole" | "reset" | undefined;
}

/** A POST of these bytes to a path. */
export function remembered(path: string, headers: Readonly<Record<string, string>>, bytes: Buffer): Remembered {
  const [plain = "", query = ""] = path.split("?");
  const chunks: Buffer[] = [];
  const state = { status: 0, headers: [] as readonly string[], over: undefined as Remembered["over"] };
  const put = (chunk: Buffer | string) => void chunks.push(Buffer.from(chunk as string));
  const inbound = exchange({
    path: plain,
    query,
    headers: { "content-type": "application/json", ...headers },
    status: 0,
    collect: (_, done) => done(undefined, bytes),
    read(on) {
      queueMicrotask(() => {
        on.onChunk(bytes);
        on.onEnd();
      });
      return { pause() {}, resume() {} };
    },
    send(status, head, body) {
      Object.assign(state, { status, headers: head, over: "whole" });
      put(body);
    },
    open: (status, head) => void Object.assign(state, { status, headers: head }),
    write(chunk) {
      put(chunk);
      return true;
    },
    close: () => void Object.assign(state, { over: "whole" }),
    reset: () => void Object.assign(state, { over: "reset" }),
  });
  return {
    inbound,
    get status() {
      return state.status;
    },
    get headers() {
      return state.headers;
    },
    get body() {
      return Buffer.concat(chunks);
    },
    get over() {
      return state.over;
    },
  };
}
