/**
 * A model server that does as it is told: each request takes the next {@link Script}, or the standing answer.
 *
 * It listens on a free loopback port, keeps every request as it came, and paces, stalls, cuts or resets its answer at a
 * given byte. Nothing here sleeps: a body waits where the script holds a promise, until the test resolves it.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { canned } from "./canned.ts";

/** A piece of a body: bytes to send, or a promise to wait for before the next piece. */
export type Step = string | Uint8Array | Promise<unknown>;

/** How an answer ends: whole; a bare FIN; a RST; or never, with the socket left open. */
export type Ending = "whole" | "fin" | "reset" | "stall";

/** One scripted answer. Every member is optional; `{}` is an empty 200. */
export interface Script {
  /** HTTP status; 200 if absent. */
  readonly status?: number;
  /** Sent as given, a wrong `content-length` too. With none, the body is chunked. */
  readonly headers?: OutgoingHttpHeaders;
  /** Waited for before the head goes out: a server that thinks. */
  readonly hold?: Promise<unknown>;
  /** The pieces, each written on its own. A promise among them flushes what came before and holds what comes after. */
  readonly body?: readonly Step[];
  /** Sends this many bytes of `body` and then does `ending` (a reset, if it is "whole"). 0: the head alone. */
  readonly cutAt?: number;
  /** "whole" if absent. */
  readonly ending?: Ending;
  /** The pieces are the socket's bytes, head and framing included: for answers that are not HTTP. */
  readonly raw?: boolean;
  /** Answers without waiting for the request's body. Read on a plain script alone, not on one that a function makes. */
  readonly early?: boolean;
}

/** A script, or a function that reads the request and makes one. */
export type Answer = Script | ((exchange: Exchange) => Script);

/** One request as it came, and what became of its answer. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  /** Names and values as on the wire, in order, doubles kept. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage["headers"];
  /** The whole body; empty until it was read if the script is `early`. */
  readonly body: Buffer;
  /** `body` as JSON. Throws `SyntaxError` if it is none. */
  readonly json: unknown;
  /** Resolves when the socket closed before the answer was whole: the gateway gave it up, or the script cut it. */
  readonly closed: Promise<void>;
  /** Resolves when the answer was handed to the kernel whole. Pends for ever otherwise. */
  readonly finished: Promise<void>;
  /** Bytes of the body that the kernel took so far: grows only as fast as the gateway reads. */
  readonly accepted: number;
  /** Waits until `accepted` has not moved for `ms`; gives it. Measures how much a paused gateway lets in. */
  settled(ms: number): Promise<number>;
}

/** A running fake. `await using` closes it. */
export interface FakeUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  readonly url: string;
  readonly port: number;
  /** In the order in which they came. */
  readonly exchanges: readonly Exchange[];
  /** Requests so far. */
  readonly hits: number;
  /** Sockets accepted so far, and those open now. */
  readonly connections: { readonly accepted: number; readonly open: number };
  /** Queues scripts, one for each coming request. With an empty queue the standing answer holds. */
  next(...scripts: readonly Answer[]): void;
  /** Replaces the standing answer, which at first is {@link canned}. */
  always(answer: Answer): void;
  /** The nth request (from 0), waited for if it has not come yet. */
  exchange(n: number): Promise<Exchange>;
  /** Resolves when no socket is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

class Recording implements Exchange {
  body = Buffer.alloc(0);
  accepted = 0;
  readonly #closed = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<void>();
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    response.on("close", () => (response.writableFinished ? this.#finished : this.#closed).resolve());
  }
  get method(): string {
    return this.#request.method!;
  }
  get url(): string {
    return this.#request.url!;
  }
  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }
  get headers(): IncomingMessage["headers"] {
    return this.#request.headers;
  }
  get json(): unknown {
    return JSON.parse(this.body.toString("utf8"));
  }
  get closed(): Promise<void> {
    return this.#closed.promise;
  }
  get finished(): Promise<void> {
    return this.#finished.promise;
  }
  settled(ms: number): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    let before = this.accepted;
    const timer = setInterval(() => {
      if (before === this.accepted) {
        clearInterval(timer);
        resolve(before);
      }
      before = this.accepted;
    }, ms);
    return promise;
  }
}

/** Starts a fake on a free port of 127.0.0.1. */
export async function fakeUpstream(answer: Answer = canned): Promise<FakeUpstream> {
  let standing = answer;
  let accepted = 0;
  const queue: Answer[] = [];
  const exchanges: Recording[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    const exchange = new Recording(request, response);
    exchanges.push(exchange);
    const chosen = queue.shift() ?? standing;
    perform(exchange, chosen, request, response).then(
      () => server.emit("exchange"),
      (error: unknown) => {
        // A broken script must fail its test loudly: the answer names it and no gateway would.
        if (!response.headersSent) response.writeHead(599, { "content-type": "text/plain" });
        response.end(`fake upstream: ${String(error)}`);
      },
    );
    server.emit("exchange");
  });
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      server.emit("exchange");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const until = async (done: () => boolean) => {
    while (!done()) await once(server, "exchange");
  };
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    exchanges,
    get hits() {
      return exchanges.length;
    },
    get connections() {
      return { accepted, open: sockets.size };
    },
    next: (...scripts) => void queue.push(...scripts),
    always: (next) => {
      standing = next;
    },
    exchange: async (n) => {
      await until(() => exchanges.length > n);
      return exchanges[n]!;
    },
    idle: () => until(() => sockets.size === 0),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** `script` with its body gzipped in one member, split after `splitAt` compressed bytes (default: not split). */
export function gzipped(script: Script, splitAt = 0): Script {
  const bytes = (script.body ?? []).map((step) => {
    if (step instanceof Promise) throw new TypeError("a body that waits cannot be gzipped whole");
    return Buffer.from(step as Uint8Array);
  });
  const packed = gzipSync(Buffer.concat(bytes));
  const body = splitAt > 0 ? [packed.subarray(0, splitAt), packed.subarray(splitAt)] : [packed];
  return { ...script, headers: { ...script.headers, "content-encoding": "gzip" }, body };
}

async function perform(exchange: Recording, answer: Answer, request: IncomingMessage, response: ServerResponse) {
  const read = (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    exchange.body = Buffer.concat(chunks);
  })();
  // A caller that leaves while it sends is seen by `closed`.
  const arrived = read.catch(() => undefined);
  const early = typeof answer === "object" && answer.early === true;
  if (!early) await arrived;
  const script = typeof answer === "function" ? answer(exchange) : answer;
  await script.hold;
  const socket = request.socket;
  if (socket.destroyed) return;
  const out = script.raw ? socket : response;
  if (!script.raw) {
    response.writeHead(script.status ?? 200, script.headers);
    response.flushHeaders();
  }
  const limit = script.cutAt ?? Number.POSITIVE_INFINITY;
  for (const piece of script.body ?? []) {
    if (exchange.accepted >= limit || socket.destroyed) break;
    if (piece instanceof Promise) {
      await piece;
      continue;
    }
    const bytes = Buffer.from(piece as Uint8Array).subarray(0, limit - exchange.accepted);
    await write(out, socket, bytes);
    exchange.accepted += bytes.length;
  }
  const cut = script.cutAt === undefined ? "whole" : "reset";
  finish(!script.ending || script.ending === "whole" ? cut : script.ending, out, socket);
}

/** Resolves when the kernel took `bytes`, or the socket is gone. */
function write(out: ServerResponse | Socket, socket: Socket, bytes: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (bytes.length === 0 || socket.destroyed) return Promise.resolve();
  socket.once("close", resolve);
  out.write(bytes, () => {
    socket.off("close", resolve);
    resolve();
  });
  return promise;
}

function finish(ending: Ending, out: ServerResponse | Socket, socket: Socket) {
  switch (ending) {
    case "whole":
      out.end();
      break;
    case "fin":
      socket.end();
      break;
    case "reset":
      socket.resetAndDestroy();
      break;
    case "stall":
      break;
  }
}
