/** Bodies over the limit and bodies that are bombs, in every protocol: refused, the refusal read, the connection sane. */
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChatService } from "../../gen/polygate/v1/chat_pb.js";
import type { Mount } from "../../src/core/protocol.ts";
import { openDoor, siteOf } from "../support/door.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { rawSocket } from "../support/raw.ts";
import { WIRES } from "../support/rpc.ts";
import { type Here, startHere } from "./here.ts";

const LIMIT = 1024 * 1024;
let upstream: FakeUpstream;
let here: Here;
const config = () => `
limits: {max_request_bytes: 1MiB}
listen: {max_buffered_bytes: 8MiB}
routes:
- {name: chat, route_type: llm/v1/chat, model: {provider: openai, name: m, config: {openai_api_key: k, base_url: "${upstream.url}/v1"}}}
`;
beforeAll(async () => {
  upstream = await fakeUpstream();
  here = await startHere(config());
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await upstream.close();
});

const ZEROS = Buffer.alloc(64 * LIMIT);
/** Under 100 KB each. */
const BOMBS: readonly (readonly [coding: string, bytes: Buffer])[] = [
  ["gzip", gzipSync(ZEROS, { level: 6 })],
  ["br", brotliCompressSync(ZEROS, { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } })],
  ["deflate", deflateSync(ZEROS)],
  ["zstd", zstdCompressSync(ZEROS)],
];

const chat = (content: string, more = "") =>
  `{"model":"chat"${more},"messages":[{"role":"user","content":"${content}"}]}`;
const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}, to = here) =>
  fetch(to.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: body as Buffer<ArrayBuffer>,
  });
const PATHS = [
  ["OpenAI's", "/v1/chat/completions"],
  ["MLflow's", "/gateway/chat/invocations"],
  ["Connect's", "/polygate.v1.ChatService/Chat"],
] as const;

describe.each(PATHS)("over %s path", (_, path) => {
  it("a body over the limit is 413, and the next request is answered", async () => {
    const hits = upstream.hits;
    const reply = await post(path, chat("x".repeat(2 * LIMIT)));
    expect([reply.status, await reply.text()]).toEqual([expect.any(Number), expect.stringContaining("1048576 bytes")]);
    expect(reply.status).toBe(path.startsWith("/polygate") ? 429 : 413);
    expect(upstream.hits).toBe(hits);
    expect((await post("/v1/chat/completions", chat("hi"))).status).toBe(200);
  });

  it.each(BOMBS)(
    "%s that unpacks to 64 MiB is refused at the limit, and takes no such memory",
    async (coding, bomb) => {
      const before = process.memoryUsage.rss();
      const reply = await post(path, bomb, { "content-encoding": coding });
      const unknown = path.startsWith("/polygate") && coding !== "gzip" && coding !== "br";
      expect([413, 429, unknown && 501, unknown && 404]).toContain(reply.status);
      await reply.text();
      expect(process.memoryUsage.rss() - before).toBeLessThan(32 * LIMIT);
    },
  );

  it("a body that is packed well is read", async () => {
    const bodies: Record<string, string> = {
      [PATHS[0][1]]: chat("hi"),
      [PATHS[1][1]]: chat("hi").replace('"model":"chat",', ""),
      [PATHS[2][1]]: '{"model":"chat","messages":[{"role":"ROLE_USER","text":"hi"}]}',
    };
    const reply = await post(path, gzipSync(bodies[path]!), { "content-encoding": "gzip" });
    expect([reply.status, await reply.text()]).toEqual([200, expect.stringContaining("Blåbærgrød")]);
  });
});

describe("over REST", () => {
  it.each([
    ["packed twice", "gzip, gzip", gzipSync(gzipSync(chat("hi"))), 415],
    ["an unknown coding", "magic", Buffer.from(chat("hi")), 415],
    ["the name of an object's own", "constructor", Buffer.from(chat("hi")), 415],
    ["what it is not", "gzip", Buffer.from(chat("hi")), 400],
    ["cut short", "gzip", gzipSync(chat("hi")).subarray(0, 20), 400],
  ])("a body said to be %s is refused", async (_, coding, body, status) => {
    const reply = await post("/v1/chat/completions", body, { "content-encoding": coding });
    expect(reply.status).toBe(status);
    expect(await reply.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"])(
    "a body of %s is not taken for JSON",
    async (type) => {
      const reply = await post("/v1/chat/completions", chat("hi"), { "content-type": type });
      expect([reply.status, await reply.text()]).toEqual([415, expect.stringContaining("send application/json")]);
    },
  );

  it.each([
    ["nothing", "", 400],
    ["null", "null", 400],
    ["a list", "[]", 400],
    ["a text", '"x"', 400],
    ["a brace", "{", 400],
    ["lists 100,000 deep", `{"model":"chat","messages":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 400],
    ["objects 100,000 deep", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, 400],
    ["open objects 100,000 deep", `${'{"a":'.repeat(100_000)}`, 400],
    ["tools 70 deep", chat("hi", `,"tools":${"[".repeat(70)}${"]".repeat(70)}`), 400],
    ["__proto__", '{"model":"chat","messages":[],"__proto__":{"polluted":1}}', 400],
    ["two models", '{"model":"chat","model":"other","messages":[{"role":"user","content":"hi"}]}', 404],
  ])("a body of %s is answered soon and leaves no trace", async (_, body, status) => {
    const before = performance.now();
    const reply = await post("/v1/chat/completions", body);
    expect([reply.status, (await reply.text()).slice(0, 200)]).toEqual([status, expect.any(String)]);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect("polluted" in {}).toBe(false);
  });

  it("wrong methods are told which are right", async () => {
    for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
      const reply = await fetch(`${here.url}/v1/chat/completions`, { method });
      expect([reply.status, reply.headers.get("allow")]).toEqual([405, "POST"]);
    }
  });
});

describe.each(WIRES)("over %s", (_, transport) => {
  const client = () => createClient(ChatService, transport(here.url));
  const message = (text: string) => ({
    model: "chat",
    messages: [{ role: 2, content: { case: "text" as const, value: text } }],
  });

  it("a message over the limit is resource_exhausted, and the connection serves the next", async () => {
    const one = client();
    for (let i = 0; i < 3; i++) {
      await expect(one.chat(message("x".repeat(2 * LIMIT)))).rejects.toMatchObject({
        code: 8,
        rawMessage: expect.stringContaining("1048576 bytes"),
      });
      expect((await one.chat(message("hi"))).choices).toHaveLength(1);
    }
  });
});

describe("of RPC", () => {
  const rpc = (type: string, body: Uint8Array, headers: Record<string, string> = {}) =>
    post("/polygate.v1.ChatService/StreamChat", body, { "content-type": type, ...headers });
  const envelope = (flags: number, bytes: Uint8Array, length = bytes.length) => {
    const head = Buffer.alloc(5);
    head[0] = flags;
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, bytes]);
  };

  it("a packed message that unpacks past the limit is resource_exhausted", async () => {
    const bomb = BOMBS[0]![1];
    const reply = await rpc("application/connect+proto", envelope(1, bomb), { "connect-content-encoding": "gzip" });
    expect(await reply.text()).toContain("resource_exhausted");
    const web = await rpc("application/grpc-web+proto", envelope(1, bomb), { "grpc-encoding": "gzip" });
    expect([web.headers.get("grpc-status"), await web.text()].join(" ")).toMatch(/^8 |grpc-status: ?8/);
  });

  it("a message that says it has 4 GiB is refused by what it says", async () => {
    const reply = await rpc("application/connect+json", envelope(0, Buffer.from("{}"), 0xffffffff));
    expect(await reply.text()).toMatch(/resource_exhausted|invalid_argument/);
  });

  it.each([
    [
      "JSON",
      "application/json",
      Buffer.from(`{"model":"chat","metadata":${'{"a":'.repeat(10_000)}1${"}".repeat(10_001)}`),
    ],
    ["protobuf", "application/proto", nested(10_000)],
  ])("a message that nests 10,000 deep is invalid_argument (%s)", async (_, type, body) => {
    const reply = await post("/polygate.v1.ChatService/Chat", body, { "content-type": type });
    expect([reply.status, await reply.json()]).toMatchObject([400, { code: "invalid_argument" }]);
  });
});

/** A `google.protobuf.Value` of lists in lists, as an unknown or known field: tag 1, length, and so on. */
function nested(depth: number): Buffer {
  let inner = Buffer.alloc(0);
  const parts: Buffer[] = [];
  let length = 0;
  for (let i = 0; i < depth; i++) {
    const head = Buffer.concat([Buffer.from([0x32]), varint(length), Buffer.from([0x0a])]);
    parts.unshift(head);
    length += head.length;
  }
  inner = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0x0a, 4]), Buffer.from("chat"), inner]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

describe("bytes of bodies in memory", () => {
  it("are bounded over all callers: one more is refused, and there is room again after", async () => {
    const PART = 1_000;
    const MOST = 8_000;
    const mount: Mount = {
      prefix: "",
      endpoints: [
        {
          method: "POST",
          path: "/",
          permission: "open",
          handle(inbound) {
            inbound.collect(MOST, (error) => inbound.send(error?.http ?? 200, [], error?.fault.reason ?? "taken"));
          },
        },
      ],
      refuse: (inbound, error) => inbound.send(error.http, [], ""),
    };
    await using door = await openDoor(siteOf([]), () => [mount], { maxBufferedBytes: MOST });
    const ask = async (body: string) => (await fetch(door.url, { method: "POST", body })).text();
    const held = await Promise.all(Array.from({ length: MOST / PART }, () => rawSocket(door.port)));
    // Each has sent a part, and not the end of it.
    for (const raw of held)
      raw.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${MOST}\r\n\r\n${"x".repeat(PART)}`);
    await expect.poll(() => ask("x")).toBe("OVERLOADED");
    await held[0]![Symbol.asyncDispose]();
    await expect.poll(() => door.underWay.size).toBe(held.length - 1);
    expect(await ask("x".repeat(PART))).toBe("taken");
    expect(await ask("x".repeat(PART + 1))).toBe("OVERLOADED");
    for (const raw of held) await raw[Symbol.asyncDispose]();
    await expect.poll(() => door.underWay.size).toBe(0);
    expect(await ask("x".repeat(MOST))).toBe("taken");
  });

  it("that are too many are told as an overload, with when to come back", async () => {
    await using small = await startHere(config().replace("8MiB", "64KiB"));
    const reply = await post("/v1/chat/completions", chat("x".repeat(100_000)), {}, small);
    expect([reply.status, reply.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await reply.json()).toMatchObject({ error: { message: "The gateway has too much to do; try again." } });
    expect((await fetch(`${small.url}/livez`)).status).toBe(200);
    expect((await post("/v1/chat/completions", chat("hi"), {}, small)).status).toBe(200);
  });
});
