import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type BareServer, bareServer } from "../../test/support/bare-server.ts";
import { chance } from "../../test/support/bent.ts";
import { record } from "../../test/support/recording.ts";
import { egressOf } from "./egress.ts";
import { Dialer } from "./send.ts";

/**
 * Answers bent at random, cut at random, and read by both: what undici refuses is refused, and what both take is the same. The seed
 * is fixed, so that a run that fails can be run again.
 */
const SEEDS = [1, 2, 3, 4];
const CASES = 500;

const OK = "HTTP/1.1 200 OK\r\n";
const ANSWERS = [
  `${OK}content-type: application/json\r\ncontent-length: 11\r\n\r\nhello world`,
  `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n`,
  `${OK}transfer-encoding: chunked\r\ntrailer: x\r\n\r\n1f\r\n${"y".repeat(31)}\r\n0\r\nx: 1\r\ny: 2\r\n\r\n`,
  `${OK}content-type: text/plain\r\n\r\nuntil the end`,
  "HTTP/1.0 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nold",
  "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno",
  "HTTP/1.1 204 No Content\r\nkeep-alive: timeout=5\r\nconnection: keep-alive\r\n\r\n",
  'HTTP/1.1 304\r\netag: "x"\r\ncontent-length: 5\r\n\r\n',
  "HTTP/1.1 429 Too Many\r\n__proto__: x\r\nconstructor: y\r\nConstructor: z\r\ncontent-length: 0\r\n\r\n",
  `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
  `${OK}transfer-encoding: identity\r\n\r\nab`,
];
const BITS = [
  ...'\r|\n| |\t|:|,|;|=|-|+|"|\\|0|a|f|F|\0|\x7f|\x80|\xff|\r\n|\r\n\r\n|00|0x|chunked|close|identity|gzip, |, gzip'.split(
    "|",
  ),
  ..."\r\n0\r\n\r\n| folded\r\n|x: y\r\n|HTTP/1.1|HTTP/2.0|HTTP/1.1 103 x\r\n\r\n|content-length: 3\r\n".split("|"),
  ..."transfer-encoding: chunked\r\n|Connection: close\r\n|connection: upgrade\r\nupgrade: x\r\n".split("|"),
  ..."ffffffffffffffff|9999999999999999999".split("|"),
];

function bend(random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  let text = pick(ANSWERS);
  for (let i = Math.floor(random() * 3); i > 0; i--) {
    // Where lines and lists end most of the harm is done.
    const ends = [...text.matchAll(/[\r\n:;, ]/g)].flatMap(({ index }) => [index, index + 1]);
    const at = random() < 0.5 ? Math.floor(random() * text.length) : pick(ends);
    const kind = random();
    const gone = kind < 0.5 ? 0 : 1 + Math.floor(random() * 3);
    text = text.slice(0, at) + (kind < 0.75 ? pick(BITS) : "") + text.slice(at + gone);
  }
  return text;
}

function cut(text: string, random: () => number): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  const most = [bytes.length, 1, 40][Math.floor(random() * 3)]!;
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)!.length) {
    pieces.push(bytes.subarray(at, at + (most === 40 ? 1 + Math.floor(random() * most) : most)));
  }
  return pieces;
}

interface Read {
  readonly taken: boolean;
  /** Status, headers, body. */
  readonly answer: string;
  readonly why: unknown;
}
const answerOf = (status: number | undefined, headers: object, parts: readonly Buffer[]) =>
  JSON.stringify([status, headers, Buffer.concat(parts).toString("latin1")]);

async function byUndici(origin: string, path: string): Promise<Read> {
  const client = new Client(origin, { headersTimeout: 0, bodyTimeout: 0, allowH2: false });
  const { promise, resolve } = Promise.withResolvers<Read>();
  let head: [number | undefined, object] = [undefined, {}];
  const parts: Buffer[] = [];
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {},
    onResponseStart(_, status, headers) {
      if (status >= 200) head = [status, headers];
    },
    onResponseData: (_, part) => void parts.push(Buffer.from(part)),
    onResponseEnd: () => resolve({ taken: true, answer: answerOf(...head, parts), why: undefined }),
    onResponseError: (_, why) => resolve({ taken: false, answer: answerOf(...head, parts), why }),
  };
  client.dispatch({ method: "POST", path, headers: [], body: Buffer.from("{}") }, handler);
  const read = await promise;
  await client.destroy();
  return read;
}

const how = { connectMs: 2_000, maxConnections: 100, egress: egressOf([], "file") };
async function byWire(dialer: Dialer, origin: string, path: string): Promise<Read> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const exchange = dialer.to(origin, how);
  const so = record(
    (out, receiver) =>
      exchange(out, {
        onHead: (status, headers) => receiver.onHead(status, headers),
        onData: (chunk) => receiver.onData(chunk),
        onEnd(framed) {
          receiver.onEnd(framed);
          resolve();
        },
        onBreak(why, cause) {
          receiver.onBreak(why, cause);
          resolve();
        },
      }),
    { path, headers: [], body: Buffer.from("{}") },
  );
  await promise;
  return { taken: so.outcome === "end", answer: answerOf(so.status, so.headers, so.chunks), why: so.cause };
}

const cases = new Map<string, readonly Buffer[]>();
let server: BareServer;
const dialer = new Dialer();
beforeAll(async () => {
  server = await bareServer((socket: Socket) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
      const path = /^POST (\S+) .*\r\n\r\n/s.exec(text)?.[1];
      if (path === undefined) return;
      text = "";
      const pieces = [...cases.get(path)!];
      const next = () => {
        const piece = pieces.shift();
        if (piece === undefined) socket.end();
        else socket.write(piece, () => setImmediate(next));
      };
      next();
    });
  });
});
afterAll(async () => {
  await dialer.close();
  await server[Symbol.asyncDispose]();
});

it.each(SEEDS)(
  "no answer is taken that undici refuses, and those that both take are the same (seed %d)",
  async (seed) => {
    const random = chance(seed);
    let taken = 0;
    let refused = 0;
    for (let i = 0; i < CASES; i++) {
      const text = i < ANSWERS.length ? ANSWERS[i]! : bend(random);
      const path = `/${seed}/${i}`;
      cases.set(path, cut(text, random));
      const [theirs, ours] = await Promise.all([byUndici(server.origin, path), byWire(dialer, server.origin, path)]);
      if (ours.taken) {
        taken++;
        expect({ text, ...theirs }).toEqual({ text, ...ours });
      } else {
        refused++;
        // Ours alone: characters in a reason, an empty line before the answer, what two readers may read in two ways.
        if (i < ANSWERS.length) expect({ text, why: ours.why }).toEqual({ text, why: undefined });
      }
    }
    expect(taken).toBeGreaterThan(CASES / 5);
    expect(refused).toBeGreaterThan(CASES / 5);
  },
);
