import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { selfSigned } from "../../test/support/certificate.ts";
import { openDoor, siteOf } from "../../test/support/door.ts";
import { END_STREAM, goawayOf, preface, request } from "../../test/support/frames.ts";
import { rawSocket } from "../../test/support/raw.ts";
import type { Inbound, Mount } from "../core/protocol.ts";
import type { ListenSettings } from "./listen.ts";

/** A mount that says what it was sent. */
const echo = (): readonly Mount[] => [
  {
    prefix: "",
    endpoints: [
      {
        method: "POST",
        path: "/echo",
        permission: "open",
        handle: (inbound) =>
          inbound.collect(1_000, (error, bytes) => inbound.send(error?.http ?? 200, [], error?.message ?? bytes)),
      },
      {
        method: "GET",
        path: "/hello",
        permission: "open",
        handle: (inbound) => inbound.send(200, ["x-one", "1"], `http2=${inbound.http2}`),
      },
    ],
    refuse: (inbound, error) => inbound.send(error.http, [], error.message),
  },
];
const open = (settings: Partial<ListenSettings> = {}) => openDoor(siteOf([]), echo, settings);
const GET = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";

async function h2(url: string, path: string, body?: string | Buffer): Promise<{ status: number; body: string }> {
  const client = connectHttp2(url);
  client.on("error", () => {});
  const request = client.request({ ":path": path, ":method": body === undefined ? "GET" : "POST" });
  request.on("error", () => {});
  request.end(body);
  const [headers] = (await once(request, "response")) as [Record<string, unknown>];
  let text = "";
  for await (const chunk of request) text += chunk;
  client.close();
  return { status: Number(headers[":status"]), body: text };
}

describe("one port", () => {
  it("answers HTTP/1.1 and HTTP/2 by their first bytes", async () => {
    await using door = await open();
    expect(await (await fetch(`${door.url}/hello`)).text()).toBe("http2=false");
    expect(await h2(door.url, "/hello")).toEqual({ status: 200, body: "http2=true" });
  });

  it("knows both however the first bytes are split", async () => {
    await using door = await open();
    await using one = await rawSocket(door.port);
    for (const byte of GET) {
      one.send(byte);
      await new Promise(setImmediate);
    }
    expect(await one.until("http2=false")).toContain("HTTP/1.1 200");
    await using two = await rawSocket(door.port);
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
      two.send(byte);
      await new Promise(setImmediate);
    }
    // An empty SETTINGS frame; the server answers with its own first.
    two.send(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    expect((await two.until("\x04")).charCodeAt(3)).toBe(4);
  });

  it("answers a request that comes whole in the first packet, with its body, and the next on the same connection", async () => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nfirst${GET}`);
    await raw.until("first");
    expect(await raw.until("http2=false")).toContain("x-one: 1");
  });

  it("closes a socket that says nothing, and one that stops within HTTP/2's preface", async () => {
    await using door = await open({ headTimeoutMs: 50 });
    await using silent = await rawSocket(door.port);
    await using half = await rawSocket(door.port);
    half.send("PRI * HTTP/2.0\r\n\r\nS");
    expect(await silent.closed).toBe("");
    expect(await half.closed).toBe("");
  });

  it("closes a connection whose head does not end", async () => {
    await using door = await open({ headTimeoutMs: 50 });
    await using raw = await rawSocket(door.port);
    raw.send("GET /hello HTTP/1.1\r\nhost: x\r\nx-a: ");
    expect(await raw.closed).toContain("408");
  });

  it("sends every request an id: the caller's when it is well formed", async () => {
    await using door = await open();
    const id = async (given: string) =>
      (await fetch(`${door.url}/hello`, { headers: { "x-request-id": given } })).headers.get("x-request-id");
    expect(await id("abc-123.DEF")).toBe("abc-123.DEF");
    expect(await id("a".repeat(129))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await id('a"{evil}')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("a body over the limit", () => {
  it.each([
    ["declared", "content-length: 2000000\r\n\r\n", "", "x".repeat(1_998_000)],
    ["chunked", "transfer-encoding: chunked\r\n\r\n", "7d0\r\n", "\r\n0\r\n\r\n"],
  ])("is refused over HTTP/1.1, and the connection goes on after it (%s)", async (_, head, prefix, rest) => {
    await using door = await open();
    await using raw = await rawSocket(door.port);
    raw.send(`POST /echo HTTP/1.1\r\nhost: x\r\n${head}${prefix}${"x".repeat(2_000)}`);
    const text = await raw.until("limit of 1000 bytes");
    expect(text).toContain("HTTP/1.1 413");
    raw.send(rest + GET);
    expect(await raw.until("http2=false")).toContain("HTTP/1.1 200");
  });

  it("is refused over HTTP/2, and other streams of the connection go on", async () => {
    await using door = await open();
    const client = connectHttp2(door.url);
    const big = client.request({ ":path": "/echo", ":method": "POST" });
    big.end(Buffer.alloc(500_000));
    const [headers] = (await once(big, "response")) as [Record<string, unknown>];
    expect(headers[":status"]).toBe(413);
    big.resume();
    const next = client.request({ ":path": "/hello" });
    const [ok] = (await once(next, "response")) as [Record<string, unknown>];
    expect(ok[":status"]).toBe(200);
    client.destroy();
  });
});

describe("the end of a port", () => {
  it("drains: an idle connection is closed, an answer under way is finished, new callers are not taken", async () => {
    let held: Inbound | undefined;
    const slow = (): readonly Mount[] => [
      {
        prefix: "",
        endpoints: [
          {
            method: "GET",
            path: "/slow",
            permission: "open",
            handle: (inbound) => {
              held = inbound;
            },
          },
        ],
        refuse: () => {},
      },
    ];
    await using door = await openDoor(siteOf([]), slow);
    await using idle = await rawSocket(door.port);
    const client = connectHttp2(door.url);
    const overHttp2 = client.request({ ":path": "/slow" });
    const goaway = once(client, "goaway");
    await expect.poll(() => held).toBeDefined();
    const first = held!;
    held = undefined;
    const overHttp1 = fetch(`${door.url}/slow`);
    await expect.poll(() => held).toBeDefined();
    const drained = door.listening.drain();
    await idle.closed;
    await goaway;
    await expect(fetch(`${door.url}/slow`)).rejects.toThrow();
    first.send(200, [], "two");
    held!.send(200, [], "one");
    expect(await (await overHttp1).text()).toBe("one");
    const [headers] = (await once(overHttp2, "response")) as [Record<string, unknown>];
    expect(headers[":status"]).toBe(200);
    overHttp2.resume();
    await drained;
  });

  it("drains at once although a caller over HTTP/2 keeps its side open, or reads nothing", async () => {
    for (const odd of ["keeps", "sleeps"]) {
      await using door = await open();
      await using raw = await rawSocket(door.port);
      raw.socket.allowHalfOpen = odd === "keeps";
      raw.send(Buffer.concat([preface(), request(1, END_STREAM)]));
      await raw.until("http2=true");
      if (odd === "sleeps") raw.socket.pause();
      const began = performance.now();
      await door.listening.drain();
      expect(performance.now() - began).toBeLessThan(2_000);
      if (odd === "keeps") expect(goawayOf(raw.text)).toBe(0);
    }
  });

  it("drains at once although callers are silent, or stop within a head or a handshake", async () => {
    const tls = { ...selfSigned(), clientCa: undefined };
    for (const settings of [{}, { tls }]) {
      await using door = await open(settings);
      await using silent = await rawSocket(door.port);
      await using half = await rawSocket(door.port);
      half.send(settings.tls ? Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]) : "GET /hello HTTP/1.1\r\nhost");
      if (settings.tls) {
        for (const ALPNProtocols of [["http/1.1"], ["h2"], []]) {
          const shaken = connectTls({ port: door.port, rejectUnauthorized: false, ALPNProtocols });
          shaken.on("error", () => {}).resume();
          await once(shaken, "secureConnect");
        }
      }
      const began = performance.now();
      await door.listening.drain();
      expect(performance.now() - began).toBeLessThan(2_000);
      await Promise.all([silent.closed, half.closed]);
    }
  });

  it("tells which caller has gone before the answer was whole, once", async () => {
    const gone: string[] = [];
    const hang = (): readonly Mount[] => [
      {
        prefix: "",
        endpoints: [
          {
            method: "GET",
            path: "/hang",
            permission: "open",
            handle(inbound) {
              inbound.onGone = () => void gone.push(inbound.http2 ? "h2" : "h1");
            },
          },
        ],
        refuse: () => {},
      },
    ];
    await using door = await openDoor(siteOf([]), hang);
    await using raw = await rawSocket(door.port);
    raw.send("GET /hang HTTP/1.1\r\nhost: x\r\n\r\n");
    const client = connectHttp2(door.url);
    const request = client.request({ ":path": "/hang" });
    request.on("error", () => {});
    await expect.poll(() => door.underWay.size).toBe(2);
    raw.socket.destroy();
    request.close(8);
    await expect.poll(() => gone.sort()).toEqual(["h1", "h2"]);
    expect(door.finished).toHaveLength(2);
    client.destroy();
  });
});

it("tells where a caller is, also when the exchange is over", async () => {
  await using door = await open();
  await (await fetch(`${door.url}/hello`)).text();
  await h2(door.url, "/hello");
  await expect.poll(() => door.finished.map(({ remote }) => remote)).toEqual(["127.0.0.1", "127.0.0.1"]);
});
