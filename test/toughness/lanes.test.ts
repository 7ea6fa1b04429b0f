/**
 * One byte stream, two readers: what the gateway reads by itself and what Node's own server reads of it are the same, for
 * thousands of requests that are nearly right.
 */
import { expect, it } from "vitest";
import type { Inbound } from "../../src/core/protocol.ts";
import { chance } from "../support/bent.ts";
import { type Answer, answersOf, type Handle, type LanePort, lanePort, nodePort, turns } from "../support/lanes.ts";
import { rawSocket } from "../support/raw.ts";

const CASES = process.env["POLYGATE_TEST_ALL"] === "1" ? 20_000 : 800;
/** Turns of the loop, and milliseconds, without an answer after which none comes. */
const QUIET = 20;
const QUIET_MS = 30;
const AT_ONCE = 16;
const LIMIT = 10_000;
const SETTINGS = { maxHeaders: 20, maxHeaderBytes: 4_096 };

function told(inbound: Inbound, bytes: Buffer): string {
  const { method, path, query, headers, base } = inbound;
  const sorted = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ method, path, query, base, headers: sorted, body: bytes.toString("latin1") });
}

/** Says what it was sent. @param later Answers in a turn of its own. */
const echo =
  (later: boolean): Handle =>
  (inbound, flaw) => {
    const always = ["x-method", inbound.method];
    if (flaw) inbound.send(flaw.http, always, flaw.message);
    else {
      inbound.collect(LIMIT, (error, bytes) => {
        const say = () => inbound.send(error?.http ?? 200, always, error?.message ?? told(inbound, bytes));
        if (later) setImmediate(say);
        else say();
      });
    }
  };

/** Numbers below `most`, the same in every run. */
function seeded(seed: number): (most: number) => number {
  const roll = chance(seed);
  return (most) => Math.floor(roll() * most);
}
type Random = ReturnType<typeof seeded>;
const one = <T>(random: Random, of: readonly T[]): T => of[random(of.length)]!;

const GET = "GET /a/b?c=d HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nUser-Agent: t\r\n\r\n";
const POST = 'POST /v1?q HTTP/1.1\r\nhost: x:80\r\ncontent-type: a/b\r\ncontent-length: 12\r\n\r\n{"a":"bcdef"}'.slice(
  0,
  -1,
);
const CHUNKED = "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const KEPT = "POST / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
const BASES = [GET, GET, POST, POST, POST, CHUNKED, KEPT];

const BYTES = [
  "\0",
  "\t",
  "\n",
  "\r",
  " ",
  "!",
  '"',
  "#",
  ",",
  ":",
  ";",
  "\x7f",
  "\x80",
  "\xff",
  "0",
  "_",
  "A",
  "\x0b",
];
const LINES = [
  "x-a: b",
  "X-A:b",
  "x-a:",
  "x-a: ",
  "x-a:  b",
  "x-a: b ",
  "x-a:\tb",
  "x-a : b",
  " x-a: b",
  "\tfolded",
  "x_a: b",
  "x.a: b",
  ": b",
  "nothing",
  "constructor: 1",
  "__proto__: 1",
  "toString: 1",
  "hasOwnProperty: x",
  "Host: y",
  "host:",
  "cookie: a=b",
  "Cookie: c=d",
  "set-cookie: a=b",
  "content-length: 3",
  "Content-Length: 12",
  "content-length: +12",
  "content-length: 0012",
  "content-length: 12, 12",
  "content-length: 0xc",
  "content-length: 1e1",
  "content-length: 99999999999999999999",
  "content-length:",
  "content-length: 12 ",
  "content_length: 12",
  "transfer-encoding: chunked",
  "Transfer-Encoding: identity",
  "transfer-encoding: \x0bchunked",
  "connection: close",
  "Connection: Keep-Alive",
  "connection: keep-alive, close",
  "connection: upgrade",
  "connection: x-a",
  "proxy-connection: close",
  "upgrade: h2c",
  "upgrade: websocket",
  "expect: 100-continue",
  "expect: nonsense",
  "te: trailers",
  "trailer: x-b",
  "keep-alive: timeout=5",
  "http2-settings: AAMAAABkAAQAAP__",
  `x-long: ${"a".repeat(5_000)}`,
  Array.from({ length: 20 }, (_, n) => `x-${n}: ${n}`).join("\r\n"),
  "x-request-id: mine",
  "x-b: \xe9",
  "x-b: a\0b",
  "x-b: a\rb",
  "x-b: a\nb",
];
const FIRST_LINES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/HTTP\/1\.1/, ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/11", "http/1.1", "HTTP/1.1 ", "HTTP/01.1", "", "XTTP/1.1"]],
  [
    /^[A-Z]+/,
    ["HEAD", "PUT", "get", "POST", "GET", "OPTIONS", "PRI", "DELETE", "CONNECT", "M-SEARCH", "G\0T", "", "BREW"],
  ],
  [
    / \/\S*/,
    [
      " /",
      " *",
      " //x",
      " http://x/a",
      " x",
      " /a#b",
      " /\xe9",
      " /a b",
      "  /a",
      " /\ta",
      " ?",
      " /%00",
      " /a?b?c",
      " /\\",
    ],
  ],
];

type Mutation = (text: string, random: Random) => string;
const at = (text: string, random: Random) => random(text.length);
function inLines(text: string, change: (lines: string[]) => void): string {
  const end = text.indexOf("\r\n\r\n");
  const lines = text.slice(0, end < 0 ? text.length : end).split("\r\n");
  change(lines);
  return lines.join("\r\n") + (end < 0 ? "" : text.slice(end));
}
const MUTATIONS: readonly Mutation[] = [
  (text) => text,
  (text, random) => {
    const i = at(text, random);
    return text.slice(0, i) + one(random, BYTES) + text.slice(i + 1);
  },
  (text, random) => {
    const i = at(text, random);
    return text.slice(0, i) + one(random, BYTES) + text.slice(i);
  },
  (text, random) => {
    const i = at(text, random);
    return text.slice(0, i) + text.slice(i + 1 + random(3));
  },
  (text, random) => inLines(text, (lines) => lines.splice(1 + random(lines.length), 0, one(random, lines))),
  (text, random) => inLines(text, (lines) => lines.splice(random(lines.length), 1)),
  (text, random) => inLines(text, (lines) => lines.splice(1 + random(lines.length), 0, one(random, LINES))),
  (text, random) => inLines(text, (lines) => lines.splice(1 + random(lines.length), 0, one(random, LINES))),
  (text, random) => inLines(text, (lines) => lines.splice(1 + random(lines.length), 0, one(random, LINES))),
  (text, random) =>
    inLines(text, (lines) => {
      lines[random(lines.length)] += one(random, BYTES);
    }),
  (text, random) => {
    const [from, to] = one(random, FIRST_LINES);
    return text.replace(from, one(random, to));
  },
  (text, random) =>
    text.replace(
      /(content-length: )\d+/i,
      `$1${one(random, ["11", "13", "0", "012", "-1", "1 2", "", "200", "20000"])}`,
    ),
  (text, random) => {
    const i = text.indexOf("\r\n", at(text, random));
    return i < 0
      ? text
      : text.slice(0, i) + one(random, ["\n", "\r", "\r\r\n", "\n\r\n", "\r\n\r\n"]) + text.slice(i + 2);
  },
  (text, random) => text.replace("\r\n", `${one(random, [" ", "\t", "\r"])}\r\n`),
  (text, random) => text + one(random, ["x", "\r\n", "\0", "\n", " ", "GET", "POST / HTTP/1.1\r\n", "0\r\n\r\n"]),
  (text, random) => one(random, ["x", "\r\n", "\n", " ", "\0", "\r\n\r\n", "\r"]) + text,
];

function made(random: Random): string[] {
  return Array.from({ length: 1 + random(3) }, () => {
    let request = one(random, BASES);
    // Many are right, so that something comes after what is not.
    for (let times = random(3) * random(2); times > 0; times--) request = one(random, MUTATIONS)(request, random);
    return request;
  });
}

const FIRST = "GET /first HTTP/1.1\r\nhost: x\r\n\r\n";
const LAST = FIRST.replace("first", "last");
const ENDS = /"path":"\/last".*"body":""\}$/;
const isKept = (answers: readonly Answer[]) => answers.at(-1)?.body.includes('"path":"/last"') === true;

/**
 * What to compare of a connection that ends with bytes that are no request. Whether those are told so, and by which answer, is a
 * matter of how they came. An answer that is just being written is cut by them in Node's server; one that is still made is not.
 */
function spoilt(mine: readonly Answer[], nodes: readonly Answer[], later: boolean): readonly (readonly string[])[] {
  const [a, b] = [mine, nodes].map((all) => all.filter(({ status }) => status === 200).map(({ body }) => body));
  return later ? [a!, b!] : [a!.slice(0, b!.length), b!.slice(0, a!.length)];
}

/** What comes back for pieces of one connection; the last request tells whether it was kept. */
async function ask({ port }: LanePort, pieces: readonly Buffer[]): Promise<Answer[]> {
  await using raw = await rawSocket(port);
  let closed = false;
  void raw.closed.then(() => {
    closed = true;
  });
  // The connection is there, so that each write is read by itself.
  raw.send(FIRST);
  await raw.until('"path":"/first"');
  for (const piece of [...pieces, Buffer.from(LAST)]) {
    raw.send(piece);
    await turns(3);
  }
  // Bytes that are waited for may never come; nothing is under way then.
  for (let quiet = 0, before = 0, since = 0; !closed && !ENDS.test(raw.text); ) {
    await turns(1);
    if (raw.text.length !== before) quiet = 0;
    if (quiet++ === 0) since = performance.now();
    before = raw.text.length;
    if (quiet > QUIET && performance.now() - since > QUIET_MS) break;
  }
  raw.socket.resetAndDestroy();
  return answersOf(raw.text).answers;
}

/** Each request by itself or all in one write, whole or cut: anywhere, or within the body. */
function cut(requests: readonly string[], random: Random): Buffer[] {
  const writes = random(3) > 0 ? requests : [requests.join("")];
  return writes.flatMap((text) => {
    const bytes = Buffer.from(text, "latin1");
    const body = random(2) * Math.max(0, text.indexOf("\r\n\r\n") + 4);
    const places = Array.from({ length: random(2) * random(3) }, () => body + random(bytes.length - body));
    places.sort((a, b) => a - b);
    return [0, ...places]
      .map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
      .filter(({ length }) => length > 0);
  });
}

it.each([
  ["at once", false, 1],
  ["later", true, 2],
])("is read as Node's own server reads it, and answered %s", { timeout: 600_000 }, async (_, later, seed) => {
  await using ours = await lanePort(echo(later), SETTINGS);
  await using theirs = await nodePort(echo(later), SETTINGS);
  let next = 0;
  let taken = 0;
  const crowd = Array.from({ length: AT_ONCE }, async () => {
    while (next < CASES) {
      const random = seeded(seed * 1_000_000 + next++ * 7_919);
      const pieces = cut(made(random), random);
      const [mine, nodes] = await Promise.all([ask(ours, pieces), ask(theirs, pieces)]);
      taken += mine.filter((answer) => answer.status === 200).length;
      const sent = pieces.map((piece) => piece.toString("latin1"));
      const compared = isKept(nodes) ? [mine, nodes] : spoilt(mine, nodes, later);
      expect({ sent, answers: compared[0] }).toEqual({ sent, answers: compared[1] });
      expect(isKept(mine)).toBe(isKept(nodes));
    }
  });
  await Promise.all(crowd);
  // They would be equal, too, if nothing were taken.
  expect(taken).toBeGreaterThan(CASES / 2);
});

/** Does with a request what its query says, and answers with what it had of the body. */
const WAYS: readonly ((inbound: Inbound, random: Random) => void)[] = [
  (inbound) => inbound.collect(LIMIT, (_, bytes) => inbound.send(200, [], bytes)),
  async (inbound, random) => {
    await turns(random(6));
    inbound.collect(LIMIT, async (_, bytes) => {
      await turns(random(4));
      inbound.send(200, [], bytes);
    });
  },
  async (inbound, random) => {
    await turns(random(6));
    const chunks: Buffer[] = [];
    const source = inbound.read({
      async onChunk(chunk) {
        chunks.push(chunk);
        if (random(2) === 0) return;
        source.pause();
        await turns(random(4));
        source.resume();
      },
      onEnd: () => inbound.send(200, [], Buffer.concat(chunks)),
      onBreak() {},
    });
  },
  (inbound, random) =>
    inbound.collect(LIMIT, async (_, bytes) => {
      inbound.open(200, []);
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random(bytes.length);
        inbound.write(bytes.subarray(at, at + size));
        at += size;
        await turns(random(3));
      }
      inbound.close();
    }),
];

it("answers whatever is done with bodies, however they come, in their order", { timeout: 600_000 }, async () => {
  await using port = await lanePort((inbound) => {
    const way = Number(inbound.query.slice(-1));
    if (way === WAYS.length) inbound.send(200, [], "early");
    else WAYS[way]!(inbound, seeded(Number(inbound.query.slice(0, -1))));
  });
  let next = 0;
  let asked = 0;
  const crowd = Array.from({ length: AT_ONCE }, async () => {
    while (next < CASES / 8) {
      const seed = 9_000_000 + next++ * 7_919;
      const random = seeded(seed);
      await using raw = await rawSocket(port.port);
      const wanted: string[] = [];
      for (let n = 0; n < 12; n++) {
        const body = String.fromCharCode(97 + n).repeat(one(random, [0, 1, 5, 300, 9_000]));
        const way = random(WAYS.length + 1);
        const bytes = Buffer.from(
          `POST /?${seed + n}${way} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
        const places = Array.from({ length: random(5) }, () => random(bytes.length));
        // Most heads come whole, which is what keeps the connection a lane.
        const head = bytes.length - body.length;
        const cuts = places.map((place) => (random(40) > 0 ? Math.max(place, head) : place)).sort((a, b) => a - b);
        for (const [i, from] of [0, ...cuts].entries()) {
          raw.send(bytes.subarray(from, cuts[i] ?? bytes.length));
          await turns(random(3));
        }
        wanted.push(way === WAYS.length ? "early" : body);
        asked++;
        if (random(8) > 0) {
          await expect
            .poll(() => answersOf(raw.text).answers.length, { interval: 1, timeout: 5_000, message: `seed ${seed}` })
            .toBe(wanted.length);
        }
      }
      const told = () => answersOf(raw.text).answers.map(({ body }) => body);
      await expect.poll(told, { interval: 2, timeout: 5_000, message: `seed ${seed}` }).toEqual(wanted);
    }
  });
  await Promise.all(crowd);
  await expect.poll(() => port.open.size).toBe(0);
  expect(port.finished).toHaveLength(asked);
});
