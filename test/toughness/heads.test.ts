/** Heads that are too large, too many, or not meant for JSON over HTTP. */
import { once } from "node:events";
import { connect } from "node:http2";
import { describe, expect, it } from "vitest";
import { chatConfig } from "../lifecycle/gateway.ts";
import { type OpenDoor, openDoor, siteOf } from "../support/door.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  framesOf,
  goawayOf,
  preface,
  request,
  resetOf,
  TYPE,
} from "../support/frames.ts";
import { rawSocket } from "../support/raw.ts";
import { startHere } from "./here.ts";
import { hello } from "./mounts.ts";

const bounds = { maxHeaders: 20, maxHeaderBytes: 4096 };
const open = (): Promise<OpenDoor> => openDoor(siteOf([]), hello, bounds);
const many = (count: number) => Array.from({ length: count }, (_, index) => [`x-${index}`, "a"] as const);
const lines = (count: number) =>
  many(count)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");

async function overHttp2(door: OpenDoor, headers: Record<string, string>): Promise<number> {
  const client = connect(door.url);
  client.on("error", () => {});
  const stream = client.request({ ":path": "/hello", ...headers });
  const answer = await once(stream, "response").then(
    ([head]) => Number(head[":status"]),
    () => 0,
  );
  client.destroy();
  return answer;
}

describe("over HTTP/1.1", () => {
  it("takes as many headers as the limit says, and tells that there is one more", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(`GET /hello HTTP/1.1\r\nhost: x\r\n${lines(19)}\r\n`);
    await raw.until("HTTP/1.1 200");
    raw.send(`GET /hello HTTP/1.1\r\nhost: x\r\n${lines(20)}\r\n`);
    expect(await raw.closed).toMatch(/HTTP\/1\.1 431 [\s\S]*more than the limit of 20 headers/);
  });

  it.each([
    ["header", `GET /hello HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(5_000)}\r\n\r\n`],
    ["path", `GET /${"a".repeat(5_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
    ["header that has not ended", `GET /hello HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(50_000)}`],
  ])("refuses a %s over the limit as JSON, and reads on until that is read", async (_, bytes) => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(bytes);
    const [head, body] = (await raw.closed).split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 431 [\s\S]*\r\nx-request-id: [\da-f-]{36}\r\n/);
    expect(JSON.parse(body!)).toMatchObject({ error: { type: "invalid_request_error", message: /over the limit/ } });
  });
});

describe("over HTTP/2", () => {
  it("takes as many headers as the limit says, tells that there is one more, and goes on", async () => {
    await using door = await open();
    expect(await overHttp2(door, Object.fromEntries(many(20)))).toBe(200);
    expect(await overHttp2(door, Object.fromEntries(many(21)))).toBe(431);
    expect(await overHttp2(door, Object.fromEntries(many(200)))).toBe(0);
    expect(await overHttp2(door, {})).toBe(200);
  });

  it("takes as many bytes as the limit says, tells that there is one more, and goes on", async () => {
    await using door = await open();
    // RFC 9113, section 6.5.2: a field counts as its name, its value and 32.
    const path = { ":method": "GET", ":scheme": "http", ":path": "/hello", ":authority": "x" };
    const counted = Object.entries({ ...path, "x-a": "" }).reduce(
      (sum, [name, value]) => sum + name.length + value.length + 32,
      0,
    );
    await using raw = await rawSocket(door.port);
    raw.send(
      Buffer.concat([preface(), request(1, END_STREAM, { "x-a": "a".repeat(bounds.maxHeaderBytes - counted) })]),
    );
    await raw.until("hello");
    raw.send(request(3, END_STREAM, { "x-a": "a".repeat(bounds.maxHeaderBytes - counted + 1) }));
    await raw.until("over the limit of 4096 bytes");
    expect(door.finished.map(({ status }) => status)).toEqual([200, 431]);
    raw.send(request(5, END_STREAM, { "x-a": "a".repeat(13_000) }));
    await expect.poll(() => door.finished.map(({ status }) => status)).toEqual([200, 431, 431]);
    expect(goawayOf(raw.text)).toBeUndefined();
  });

  it("tells the callers its limits", async () => {
    await using door = await open();
    const client = connect(door.url);
    const [settings] = await once(client, "remoteSettings");
    expect(settings).toMatchObject({ maxConcurrentStreams: 100, maxHeaderListSize: 4096 });
    client.destroy();
  });

  it("resets a stream whose headers are over the limit in bytes, however well they are packed", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    const head = block({ ":method": "GET", ":scheme": "http", ":path": "/hello", ":authority": "x" });
    // One field of 2 KB into the table, and then the byte that stands for it, over and over.
    const stored = Buffer.concat([Buffer.from([0x40]), block({ "x-a": "a".repeat(2_000) }).subarray(1)]);
    const bomb = Buffer.concat([head, stored, Buffer.alloc(1_000, 0x80 | 62)]);
    raw.send(Buffer.concat([preface(), frame(TYPE.headers, END_STREAM | END_HEADERS, 1, bomb)]));
    await expect
      .poll(() => resetOf(raw.text, 1) ?? framesOf(raw.text).find((one) => one.type === TYPE.goaway))
      .toBeDefined();
    expect(door.underWay.size).toBe(0);
  });

  it.each([
    ["connection: close", { connection: "close" }],
    ["transfer-encoding", { "transfer-encoding": "chunked" }],
    ["te: gzip", { te: "gzip" }],
    ["upper case", { "X-A": "b" }],
    ["a second path", { ":path2": "/x" }],
  ])("resets a stream with %s, which HTTP/2 does not have", async (_, fields) => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    const head = { ":method": "GET", ":scheme": "http", ":path": "/hello", ":authority": "x", ...fields };
    raw.send(Buffer.concat([preface(), frame(TYPE.headers, END_STREAM | END_HEADERS, 1, block(head))]));
    await expect.poll(() => resetOf(raw.text, 1)).toBe(1);
  });

  it("refuses two of what may stand there once", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    const head = { ":method": "GET", ":scheme": "http", ":path": "/hello", ":authority": "x" };
    const twice = Buffer.concat([block({ ...head, authorization: "a" }), block({ authorization: "b" })]);
    raw.send(Buffer.concat([preface(), frame(TYPE.headers, END_STREAM | END_HEADERS, 1, twice)]));
    await raw.until("authorization is given more than once");
  });
});

describe("a HEAD", () => {
  it.each(["/livez", "/docs", "/openapi.json", "/v1/models", "/v1/models/chat", "/metrics"])(
    "of %s has the head that a GET has, and no body, in both versions",
    async (path) => {
      await using here = await startHere(chatConfig("http://127.0.0.1:9"));
      const get = await fetch(here.url + path);
      await get.text();
      const head = await fetch(here.url + path, { method: "HEAD" });
      expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([
        200,
        get.headers.get("content-type"),
        "",
      ]);
      expect(Number(head.headers.get("content-length"))).toBeGreaterThan(0);
      await using raw = await rawSocket(here.port);
      raw.send(Buffer.concat([preface(), request(1, END_STREAM, { ":method": "HEAD", ":path": path })]));
      const frames = () => framesOf(raw.text).filter(({ stream }) => stream === 1);
      await expect.poll(frames).toHaveLength(1);
      expect(frames()[0]).toMatchObject({ type: TYPE.headers, flags: END_STREAM | END_HEADERS });
    },
  );

  it("of what only takes POST says so", async () => {
    await using here = await startHere(chatConfig("http://127.0.0.1:9"));
    const reply = await fetch(`${here.url}/v1/chat/completions`, { method: "HEAD" });
    expect([reply.status, reply.headers.get("allow")]).toEqual([405, "POST"]);
  });
});
