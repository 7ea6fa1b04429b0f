/** HTTP/2 callers that send frames to no end. Each is cut or costs next to nothing, and others are answered meanwhile. */
import { describe, expect, it } from "vitest";
import { openDoor, siteOf } from "../support/door.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  framesOf,
  goawayOf,
  ping,
  preface,
  request,
  reset,
  resetOf,
  TYPE,
  windowUpdate,
} from "../support/frames.ts";
import { type RawSocket, rawSocket } from "../support/raw.ts";
import { hello } from "./mounts.ts";

const FRAMES = process.env["POLYGATE_TEST_ALL"] === "1" ? 200_000 : 20_000;
const CALM = 11;
const PROTOCOL = 1;
const FLOW = 3;

/** Sends `first` and then frames until the connection is cut or all are sent. True: it was cut. */
async function flood(
  raw: RawSocket,
  first: Buffer,
  frameAt: (nth: number) => Buffer,
  count = FRAMES,
): Promise<boolean> {
  raw.send(Buffer.concat([preface(), first]));
  for (let at = 0; at < count && !raw.socket.destroyed; at += 500) {
    raw.send(Buffer.concat(Array.from({ length: Math.min(500, count - at) }, (_, index) => frameAt(at + index))));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  // What was sent last is answered last.
  if (!raw.socket.destroyed) raw.send(frame(TYPE.ping, 0, 0, "the last"));
  const answered = raw.until("the last").then(
    () => false,
    () => true,
  );
  return answered;
}

const NONE = Buffer.alloc(0);
const post = request(1, 0, { ":method": "POST", ":path": "/echo" });
const unread = request(1, 0, { ":method": "POST", ":path": "/hold" });
const open = frame(
  TYPE.headers,
  0,
  1,
  block({ ":method": "GET", ":scheme": "http", ":path": "/hello", ":authority": "x" }),
);

const CUT: readonly (readonly [name: string, first: Buffer, frameAt: (nth: number) => Buffer, codes: number[]])[] = [
  [
    "streams that are opened and reset (rapid reset)",
    NONE,
    (nth) => Buffer.concat([request(nth * 2 + 1, END_STREAM, { ":path": "/hang" }), reset(nth * 2 + 1)]),
    [CALM, 2],
  ],
  ["more streams than were allowed", NONE, (nth) => request(nth * 2 + 1, END_STREAM, { ":path": "/hang" }), [CALM, 2]],
  ["resets of streams that never were", NONE, (nth) => reset(nth * 2 + 1), [PROTOCOL]],
  ["headers that do not end (CONTINUATION)", open, () => frame(TYPE.continuation, 0, 1, block({ a: "b" })), [CALM, 2]],
  ["headers that do not end and say nothing", open, () => frame(TYPE.continuation, 0, 1), [CALM, 2]],
  ["data of nothing", post, () => frame(TYPE.data, 0, 1), [CALM, 2]],
  ["data past the window", unread, () => frame(TYPE.data, 0, 1, Buffer.alloc(16_384)), [FLOW]],
  ["windows past 2 GiB", NONE, () => windowUpdate(0, 0x7fffffff), [FLOW]],
  ["windows of nothing", NONE, () => windowUpdate(0, 0), [PROTOCOL]],
  ["acknowledgements of settings that were not sent", NONE, () => frame(TYPE.settings, 1, 0), [PROTOCOL]],
  ["priorities", NONE, (nth) => frame(TYPE.priority, 0, nth * 2 + 1, Buffer.from([0, 0, 0, 0, 1])), [CALM]],
  ["frames of no known type", NONE, () => frame(0xaa, 0, 0, "x"), [CALM]],
  ["frames larger than allowed", NONE, () => frame(TYPE.ping, 0, 0, Buffer.alloc(20_000)), [6]],
  ["frames of the wrong size", NONE, () => frame(TYPE.ping, 0, 0, "short"), [6]],
];

describe("a flood of", () => {
  it.each(CUT)("%s is cut", async (_, first, frameAt, codes) => {
    await using door = await openDoor(siteOf([]), hello);
    await using raw = await rawSocket(door.port);
    expect(await flood(raw, first, frameAt)).toBe(true);
    // A connection that is cut while more comes in may lose its last words.
    expect([...codes, undefined]).toContain(goawayOf(raw.text));
    await expect.poll(() => door.underWay.size).toBe(0);
    expect((await fetch(`${door.url}/hello`)).status).toBe(200);
  });

  it.each([
    ["pings", NONE, () => ping()],
    ["settings", NONE, () => frame(TYPE.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100]))],
    ["settings of nothing", NONE, () => frame(TYPE.settings, 0, 0)],
    ["windows", NONE, () => windowUpdate(0, 1)],
    ["data of one byte", post, () => frame(TYPE.data, 0, 1, "x")],
  ] as const)("%s costs little, and others are answered meanwhile", async (_, first, frameAt) => {
    await using door = await openDoor(siteOf([]), hello);
    await using raw = await rawSocket(door.port);
    const before = process.memoryUsage();
    let flooding = true;
    const flooded = flood(raw, first, frameAt).then(() => {
      flooding = false;
    });
    const times: number[] = [];
    while (flooding) {
      const from = performance.now();
      expect((await fetch(`${door.url}/hello`)).status).toBe(200);
      times.push(performance.now() - from);
    }
    await flooded;
    expect(times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)]).toBeLessThan(1_000);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(256 * 1024 * 1024);
  });

  it("pings from somebody who does not read the answers is cut", async () => {
    await using door = await openDoor(siteOf([]), hello);
    await using raw = await rawSocket(door.port);
    raw.socket.pause();
    raw.send(preface());
    const many = Buffer.concat(Array.from({ length: 10_000 }, ping));
    const cut = new Promise((resolve) => raw.socket.once("close", resolve));
    for (let sent = 0; sent < 5_000 && !raw.socket.destroyed; sent++) {
      if (!raw.socket.write(many)) {
        const drained = new Promise((resolve) => raw.socket.once("drain", resolve));
        const first = await Promise.race([drained, cut.then(() => "cut"), still(1_000)]);
        if (first === "still") break;
      }
    }
    // Either the connection is gone, or the server stopped reading: nothing grows without end.
    const { rss } = process.memoryUsage();
    expect(rss).toBeLessThan(1024 * 1024 * 1024);
    expect((await fetch(`${door.url}/hello`)).status).toBe(200);
  });
});

const still = (ms: number) => new Promise((resolve) => setTimeout(() => resolve("still"), ms));

it("lets 100 streams of a connection wait, and refuses the next alone", async () => {
  await using door = await openDoor(siteOf([]), hello);
  await using raw = await rawSocket(door.port);
  const streams = Array.from({ length: 101 }, (_, nth) => request(nth * 2 + 1, END_STREAM, { ":path": "/hang" }));
  raw.send(Buffer.concat([preface(), ...streams]));
  await expect.poll(() => resetOf(raw.text, 201)).toBe(7);
  expect(door.underWay.size).toBe(100);
  for (const one of door.underWay) one.send(200, [], "done");
  await expect.poll(() => door.underWay.size).toBe(0);
  raw.send(request(203, END_STREAM));
  await raw.until("hello");
  expect(goawayOf(raw.text)).toBeUndefined();
});

it("answers what was asked whole before a GOAWAY of the caller", async () => {
  await using door = await openDoor(siteOf([]), hello);
  await using raw = await rawSocket(door.port);
  raw.send(Buffer.concat([preface(), request(1, END_STREAM), frame(TYPE.goaway, 0, 0, Buffer.alloc(8))]));
  await raw.until("hello");
});

it("refuses a request whose stream is of the server's own numbers, or goes back", async () => {
  await using door = await openDoor(siteOf([]), hello);
  await using even = await rawSocket(door.port);
  even.send(Buffer.concat([preface(), request(2, END_STREAM)]));
  await even.closed;
  expect(goawayOf(even.text)).toBe(PROTOCOL);
  await using twice = await rawSocket(door.port);
  const trailers = frame(TYPE.headers, END_STREAM | END_HEADERS, 1, block({ "x-a": "b" }));
  twice.send(Buffer.concat([preface(), request(1, 0, { ":method": "POST", ":path": "/echo" }), trailers]));
  await twice.until("0 bytes");
  expect(framesOf(twice.text).some(({ type }) => type === TYPE.goaway)).toBe(false);
});

it("takes 100 requests of HTTP/1.1 that do not wait for their answers, and refuses the next", async () => {
  await using door = await openDoor(siteOf([]), hello);
  await using raw = await rawSocket(door.port);
  raw.send("GET /hang HTTP/1.1\r\nhost: x\r\n\r\n".repeat(101));
  await expect.poll(() => door.underWay.size).toBe(101);
  const all = [...door.underWay].sort((a, b) => a.started - b.started);
  expect(all.map(({ status }) => status)).toEqual([...Array.from({ length: 100 }, () => 0), 503]);
  for (const one of all.slice(0, 100)) one.send(200, [], "done");
  const text = await raw.closed;
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(100);
  expect(text.match(/HTTP\/1\.1 503/g)).toHaveLength(1);
});
