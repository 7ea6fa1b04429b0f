/** Callers that take their time: with the head, the body, the answer, or with everything. */
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { selfSigned } from "../support/certificate.ts";
import { openDoor, siteOf } from "../support/door.ts";
import { frame, goawayOf, preface, request, resetOf, TYPE, windowUpdate } from "../support/frames.ts";
import { rawSocket } from "../support/raw.ts";
import { hello } from "./mounts.ts";

const SOON = { headTimeoutMs: 100, requestTimeoutMs: 200, idleTimeoutMs: 200, stallTimeoutMs: 150 };
const open = (over: Partial<typeof SOON> = {}) => openDoor(siteOf([]), hello, { ...SOON, ...over });
const POST = "POST /echo HTTP/1.1\r\nhost: x\r\n";

describe("over HTTP/1.1", () => {
  it("a head that comes a byte at a time is cut at the limit, and told so", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    const head = `GET /hello HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(1_000)}`;
    let at = 0;
    const timer = setInterval(() => raw.send(head[at++]!), 5);
    const text = await raw.closed.finally(() => clearInterval(timer));
    expect(text).toMatch(/^HTTP\/1\.1 408 [\s\S]*"message":"The request was not complete in time\."/);
    expect(door.finished).toHaveLength(0);
  });

  it.each([
    ["declared", `${POST}content-length: 1000\r\n\r\nx`],
    ["chunked", `${POST}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n`],
  ])("a body that does not come is refused in the endpoint's words (%s)", async (_, bytes) => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(bytes);
    expect(await raw.until("within 1 s")).toMatch(/^HTTP\/1\.1 408 /);
    expect(door.finished[0]?.error?.fault).toMatchObject({ reason: "DEADLINE_PASSED", limit: "caller" });
  });

  it("a connection without a next request is closed", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send("GET /hello HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await raw.closed).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("an answer of which nothing is taken is cut, and the exchange is over", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.socket.pause();
    raw.send("GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
    await expect.poll(() => door.underWay.size).toBe(1);
    await expect.poll(() => door.underWay.size).toBe(0);
    expect(door.finished).toHaveLength(1);
  });

  it("an answer that is taken slowly, but taken, is not cut", async () => {
    await using door = await open({ stallTimeoutMs: 400 });
    await using raw = await rawSocket(door.port);
    raw.socket.pause();
    raw.send("GET /big HTTP/1.1\r\nhost: x\r\n\r\n");
    const began = performance.now();
    // 8 MB in eighty bites, one each 20 ms: four times as long as a stall may last.
    const timer = setInterval(() => {
      for (let taken = 0; taken < 100_000; ) {
        const chunk: Buffer | null = raw.socket.read();
        if (chunk === null) break;
        taken += chunk.length;
      }
    }, 20);
    await expect.poll(() => door.finished.length, { timeout: 10_000 }).toBe(1);
    clearInterval(timer);
    expect(performance.now() - began).toBeGreaterThan(400);
    expect(raw.socket.destroyed).toBe(false);
  });

  it("a provider that takes its time is no stall of the caller", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send("GET /hang HTTP/1.1\r\nhost: x\r\n\r\n");
    await expect.poll(() => door.underWay.size).toBe(1);
    const [hanging] = door.underWay;
    await new Promise((resolve) => setTimeout(resolve, 500));
    hanging!.send(200, [], "at last");
    expect(await raw.until("at last")).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("over HTTP/2", () => {
  it("a body that does not come is refused in the endpoint's words, and the stream ends", async () => {
    await using door = await open();
    const client = connect(door.url);
    const stream = client.request({ ":path": "/echo", ":method": "POST" });
    stream.on("error", () => {});
    stream.write("x");
    const [head] = await once(stream, "response");
    expect(head[":status"]).toBe(408);
    expect(door.underWay.size).toBe(1);
    client.destroy();
    await expect.poll(() => door.underWay.size).toBe(0);
  });

  it("an answer of which nothing is taken is reset, and others of the connection go on", async () => {
    await using door = await open({ idleTimeoutMs: 5_000 });
    await using raw = await rawSocket(door.port);
    // A window of nothing for every stream.
    raw.send(Buffer.concat([preface([[4, 0]]), request(1, 1, { ":path": "/big" })]));
    await expect.poll(() => resetOf(raw.text, 1)).toBe(8);
    expect(door.underWay.size).toBe(0);
    raw.send(Buffer.concat([request(3, 1), windowUpdate(3, 1_000)]));
    await raw.until("hello");
  });

  it("a connection without a request is let go with GOAWAY, and not while one waits for its answer", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(Buffer.concat([preface(), request(1, 1, { ":path": "/hang" })]));
    await expect.poll(() => door.underWay.size).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const [hanging] = door.underWay;
    expect(goawayOf(raw.text)).toBeUndefined();
    hanging!.send(200, [], "at last");
    await raw.closed;
    expect(goawayOf(raw.text)).toBe(0);
    expect(raw.text).toContain("at last");
  });

  it("a connection that was let go ends although the caller keeps its side open", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.socket.allowHalfOpen = true;
    raw.send(preface());
    await once(raw.socket, "end");
    expect(goawayOf(raw.text)).toBe(0);
    // What is sent to a connection that nobody has is answered with a reset.
    const sent = () => {
      raw.send("x");
      return raw.socket.destroyed;
    };
    await expect.poll(sent).toBe(true);
  });

  it("a body that is cut by a reset is no body, however much of it came", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(Buffer.concat([preface(), request(1, 0, { ":path": "/echo", ":method": "POST" })]));
    raw.send(Buffer.concat([frame(TYPE.data, 0, 1, "half"), frame(TYPE.reset, 0, 1, Buffer.from([0, 0, 0, 8]))]));
    await expect.poll(() => door.finished.length).toBe(1);
    expect(door.finished[0]!.error?.fault.reason).toBe("CALLER_GONE");
  });

  it("a settings frame that never comes, and one that is never acknowledged, hold nothing up for long", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    await raw.closed;
  });
});

describe("under TLS", () => {
  it("a handshake that is not done, and a silence after it, are cut", async () => {
    const tls = { ...selfSigned(), clientCa: undefined };
    await using door = await openDoor(siteOf([]), hello, { ...SOON, tls });
    await using plain = await rawSocket(door.port);
    await using half = await rawSocket(door.port);
    half.send(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
    await Promise.all([plain.closed, half.closed]);
    for (const ALPNProtocols of [["http/1.1"], ["h2"], []]) {
      const socket = connectTls({ port: door.port, rejectUnauthorized: false, ALPNProtocols });
      socket.on("error", () => {});
      await once(socket, "secureConnect");
      socket.resume();
      await once(socket, "close");
    }
  });

  it.each([
    ["a request in the clear", "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["garbage", "\x16\x03\x01\xff\xff\x01"],
  ])("%s closes that connection alone", async (_, bytes) => {
    const tls = { ...selfSigned(), clientCa: undefined };
    await using door = await openDoor(siteOf([]), hello, { ...SOON, tls });
    await using raw = await rawSocket(door.port);
    raw.send(Buffer.from(bytes, "latin1"));
    await raw.closed;
    const client = connect(door.url, { rejectUnauthorized: false });
    const [head] = await once(client.request({ ":path": "/hello" }), "response");
    expect(head[":status"]).toBe(200);
    client.destroy();
  });
});
