import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.js";
import { ChatRequestSchema, ChatResponseSchema, ChatService, Role } from "../../../gen/polygate/v1/chat_pb.js";
import { CHAT_TEXT } from "../../../test/support/canned.ts";
import { type OpenDoor, openDoor } from "../../../test/support/door.ts";
import { rawSocket } from "../../../test/support/raw.ts";
import { failure, openRpc, provider, WIRES } from "../../../test/support/rpc.ts";
import type { Mount } from "../../core/protocol.ts";
import { protocol } from "./index.ts";

const CHAT = "/polygate.v1.ChatService/Chat";
const messages = [{ role: Role.USER, content: { case: "text", value: "hi" } as const }];
const chat = { model: "chat", messages };
const bytes = toBinary(ChatRequestSchema, create(ChatRequestSchema, chat));

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** One request as it is given, over HTTP/2. */
async function post(
  door: OpenDoor,
  path: string,
  type: string,
  body: Uint8Array | string,
  more = {},
): Promise<Answered> {
  const session: ClientHttp2Session = connectHttp2(door.url);
  session.on("error", () => {});
  const head = { ":method": "POST", ":path": path, ...(type && { "content-type": type }), ...more };
  const request = session.request(head);
  request.on("error", () => {});
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  const chunks: Buffer[] = [];
  request.on("response", (got) => {
    headers = got;
  });
  request.on("trailers", (got) => {
    trailers = got;
  });
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.end(body);
  await new Promise((resolve) => request.on("close", resolve));
  session.close();
  // An answer of gRPC without messages is one block of headers, which are its trailers.
  return { status: Number(headers[":status"]), headers, body: Buffer.concat(chunks), trailers: trailers ?? headers };
}

const json = ({ body }: Answered) =>
  JSON.parse(body.toString()) as { code: string; message: string; details: unknown[] };
const web = ({ body }: Answered) => findTrailerError(trailerParse(body.subarray(5)))!;

describe("what does not exist is refused in the caller's protocol", () => {
  it.each(["/polygate.v1.ChatService/Nope", "/no.such.Service/Nope"])("%s", async (path) => {
    await using door = await openRpc(provider());
    const grpc = await post(door, path, "application/grpc", bytes);
    expect([grpc.status, grpc.trailers["grpc-status"]]).toEqual([200, "12"]);
    expect(grpc.headers["content-type"]).toBe("application/grpc+proto");
    const grpcWeb = await post(door, path, "application/grpc-web+proto", bytes);
    expect(web(grpcWeb)).toMatchObject({ code: 12, rawMessage: `Nothing is served at POST ${path}.` });
    const streaming = await post(door, path, "application/connect+json", "");
    expect(streaming.status).toBe(200);
    expect(JSON.parse(streaming.body.subarray(5).toString()).error.code).toBe("unimplemented");
    const connect = await post(door, path, "application/json", "{}", { "connect-protocol-version": "1" });
    expect([connect.status, json(connect).code]).toEqual([404, "unimplemented"]);
    expect(connect.headers["x-request-id"]).toBe(door.finished.at(-1)!.id);
  });

  it("leaves what is no RPC to the others", async () => {
    const rest: Mount = { prefix: "", endpoints: [], refuse: (inbound) => inbound.send(404, [], "rest") };
    await using door = await openDoor({} as never, (one) => [...protocol.mounts(one), rest]);
    expect((await post(door, "/no.such.Service/Nope", "application/json", "{}")).body.toString()).toBe("rest");
  });

  it("says which methods a procedure takes", async () => {
    await using door = await openRpc(provider());
    const reply = await fetch(door.url + CHAT);
    expect([reply.status, reply.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await reply.text()).toBe(`${CHAT} takes POST, not GET.`);
  });

  it("says which content types it takes", async () => {
    await using door = await openRpc(provider());
    for (const type of ["", "text/plain", "application/x-www-form-urlencoded"]) {
      const reply = await post(door, CHAT, type, "{}");
      expect(reply.status).toBe(415);
      expect(json(reply)).toMatchObject({ code: "invalid_argument" });
      expect(json(reply).message).toContain("application/json");
    }
    const reply = await post(door, CHAT.replace("/Chat", "/StreamChat"), "application/json", "{}");
    expect([reply.status, json(reply).message]).toEqual([
      415,
      'The content type "application/json" is not served here; to a method that streams send application/connect+json, application/connect+proto, or a type of gRPC or gRPC-web.',
    ]);
  });

  it("refuses gRPC over HTTP/1.1, which has no way to end it", async () => {
    await using door = await openRpc(provider());
    const headers = { "content-type": "application/grpc" };
    expect((await fetch(door.url + CHAT, { method: "POST", headers, body: "x" })).status).toBe(505);
  });
});

describe("what is no message is refused with a reason", () => {
  const reason = (details: unknown[]) =>
    fromBinary(ErrorInfoSchema, Buffer.from((details[0] as { value: string }).value, "base64")).reason;

  it("over Connect, in JSON and binary", async () => {
    await using door = await openRpc(provider());
    const cases: [string, string, RegExp][] = [
      ["application/json", '{"model": "secret prompt', /JSON: the text that begins at byte 10 does not end\.$/],
      ["application/json", "notjson", /JSON: want a value at byte 0\.$/],
      ["application/json", '{"temperature":"warm"}', /temperature.*"warm"/],
      ["application/proto", "\xff\xff", /./],
    ];
    for (const [type, body, message] of cases) {
      const reply = await post(door, CHAT, type, body);
      expect(reply.status).toBe(400);
      expect(json(reply)).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
      expect(reason(json(reply).details)).toBe("BODY_MALFORMED");
    }
    expect(door.finished.map(({ error }) => error?.fault.reason)).toEqual(cases.map(() => "BODY_MALFORMED"));
    expect(door.finished.map(({ error }) => error?.message).join()).not.toContain("secret");
  });

  it("over Connect, in JSON that is not UTF-8; a byte order mark is read past", async () => {
    await using door = await openRpc(provider());
    const text = '{"model":"chat","messages":[{"role":"ROLE_USER","text":"';
    const bad = Buffer.concat([Buffer.from(text), Buffer.from([0xff]), Buffer.from('"}]}')]);
    const reply = await post(door, CHAT, "application/json", bad);
    expect(json(reply)).toMatchObject({
      code: "invalid_argument",
      message: `The message is not UTF-8: byte ${text.length} is no part of a character.`,
    });
    expect(reason(json(reply).details)).toBe("BODY_MALFORMED");
    const marked = await post(door, CHAT, "application/json", `\uFEFF${text}hi"}]}`);
    expect(marked.status).toBe(200);
  });

  it("over gRPC and gRPC-web", async () => {
    await using door = await openRpc(provider());
    const broken = encodeEnvelope(0, Buffer.from([0xff, 0xff]));
    const { trailers } = await post(door, CHAT, "application/grpc", broken);
    expect(trailers["grpc-status"]).toBe("3");
    expect(trailers["grpc-status-details-bin"]).toBeDefined();
    expect(web(await post(door, CHAT, "application/grpc-web", broken))).toMatchObject({ code: 3 });
    expect(web(await post(door, CHAT, "application/grpc-web", "")).code).toBe(12);
    expect(
      web(
        await post(
          door,
          CHAT,
          "application/grpc-web",
          Buffer.concat([encodeEnvelope(0, bytes), encodeEnvelope(0, bytes)]),
        ),
      ).code,
    ).toBe(12);
  });

  it("and a deadline that is none, or a compression that is not known", async () => {
    await using door = await openRpc(provider());
    const late = await post(door, CHAT, "application/json", "{}", { "connect-timeout-ms": "soon" });
    expect(json(late)).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("soon") });
    const packed = await post(door, CHAT, "application/grpc", encodeEnvelope(1, bytes), { "grpc-encoding": "zap" });
    expect(packed.trailers["grpc-status"]).toBe("12");
    expect(packed.trailers["grpc-message"]).toContain("gzip%2Cbr");
    const broken = await post(door, CHAT, "application/proto", "no gzip", { "content-encoding": "gzip" });
    expect(json(broken)).toMatchObject({ code: "invalid_argument" });
  });
});

describe.each(WIRES)("a message that is too large, over %s", (_, transportOf) => {
  const padded = (length: number) => ({ ...chat, extra: { padding: "x".repeat(length) } });

  it("is refused, the refusal is delivered, and the connection goes on", async () => {
    await using door = await openRpc(provider(), { maxRequestBytes: 100_000 });
    const client = createClient(ChatService, transportOf(door.url));
    for (const length of [100_001, 1_000_000, 7_000_000]) {
      const told = await failure(client.chat(padded(length)));
      expect(told).toMatchObject({ code: "ResourceExhausted", reason: "BODY_TOO_LARGE" });
      expect((await client.chat(padded(90_000))).served?.route).toBe("chat");
    }
  });
});

it("is refused over HTTP/1.1 where a caller reads it that sends all of its body first", async () => {
  await using door = await openRpc(provider(), { maxRequestBytes: 1_000 });
  await using raw = await rawSocket(door.port);
  const head = "POST /polygate.v1.ChatService/Chat HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  raw.send(`${head}content-length: 2000000\r\n\r\n`);
  let writing = true;
  raw.socket.pause();
  for (let sent = 0; sent < 2_000_000; sent += 20_000) {
    raw.socket.write("x".repeat(20_000), (failed) => {
      writing = !failed && sent < 1_980_000;
    });
    await new Promise(setImmediate);
  }
  while (writing) await new Promise(setImmediate);
  raw.socket.resume();
  const text = await raw.until('"code"');
  expect(text).toContain("HTTP/1.1 429");
  expect(text).toContain('"code":"resource_exhausted"');
});

it.each([
  ["application/grpc", /"grpc-status":"8"/],
  ["application/grpc-web+proto", /grpc-status: 8/],
  ["application/connect+proto", /resource_exhausted/],
])(
  "is refused at once, for callers that end a request short when they see an answer's head (%s)",
  async (type, told) => {
    await using door = await openRpc(provider(), { maxRequestBytes: 1_000 });
    const session = connectHttp2(door.url);
    session.on("error", () => {});
    const path = "/polygate.v1.ChatService/StreamChat";
    const request = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": type,
      "content-length": "100000",
    });
    request.on("error", () => {});
    let seen = "";
    request.on("response", (head) => {
      seen += JSON.stringify(head);
      request.end();
    });
    request.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    request.write(Buffer.alloc(5_000));
    await new Promise((resolve) => request.on("close", resolve));
    session.close();
    expect(seen).toMatch(told);
  },
);

describe("compression", () => {
  it("reads packed messages and packs what it answers", async () => {
    await using door = await openRpc(
      provider(() => ({ chunks: [JSON.stringify({ id: "x".repeat(5000), choices: [] })] })),
    );
    const { compressionGzip, compressionBrotli } = await import("@connectrpc/connect-node");
    for (const compression of [compressionGzip, compressionBrotli]) {
      const packing = { acceptCompression: [compression], sendCompression: compression, compressMinBytes: 0 };
      const client = createClient(ChatService, createGrpcTransport({ baseUrl: door.url, ...packing }));
      let encoding: string | null = null;
      const onHeader = (headers: Headers) => {
        encoding = headers.get("grpc-encoding");
      };
      expect((await client.chat(chat, { onHeader })).id.length).toBe(5000);
      expect(encoding).toBe(compression.name);
    }
  });

  it("refuses a small message that unpacks to a large one", async () => {
    await using door = await openRpc(provider(), { maxRequestBytes: 50_000 });
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const reply = await post(door, CHAT, "application/json", bomb, { "content-encoding": "gzip" });
    expect(json(reply).code).toBe("resource_exhausted");
    const { trailers } = await post(door, CHAT, "application/grpc", encodeEnvelope(1, bomb), {
      "grpc-encoding": "gzip",
    });
    expect(trailers["grpc-status"]).toBe("8");
  });
});

it("speaks gRPC-web in base64 with browsers that have no binary streams", async () => {
  await using door = await openRpc(provider());
  const body = Buffer.from(encodeEnvelope(0, bytes)).toString("base64");
  const reply = await post(door, CHAT, "application/grpc-web-text", body);
  expect(reply.headers["content-type"]).toBe("application/grpc-web-text+proto");
  const parts = reply.body.toString().match(/[^=]+=*/g)!;
  const answer = Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
  const message = fromBinary(ChatResponseSchema, answer.subarray(5, 5 + answer.readUInt32BE(1)));
  expect(message.choices[0]!.message!.content.value).toBe(CHAT_TEXT);
  expect(answer.subarray(5 + answer.readUInt32BE(1)).toString()).toContain("grpc-status: 0");
  const refused = await post(door, "/polygate.v1.ChatService/Nope", "application/grpc-web-text+proto", "");
  expect(Buffer.from(refused.body.toString(), "base64").subarray(5).toString()).toContain("grpc-status: 12");
});

it("takes a deadline that no timer can wait for as none", async () => {
  await using door = await openRpc(provider());
  const reply = await post(door, CHAT, "application/grpc", encodeEnvelope(0, bytes), { "grpc-timeout": "99999999H" });
  expect(reply.trailers["grpc-status"]).toBe("0");
});

it("notes a caller that leaves in the middle of its question", async () => {
  await using door = await openRpc(provider());
  const session = connectHttp2(door.url);
  session.on("error", () => {});
  const request = session.request({ ":method": "POST", ":path": CHAT, "content-type": "application/grpc" });
  request.on("error", () => {});
  request.write(bytes.subarray(0, 4));
  while (door.underWay.size === 0) await new Promise(setImmediate);
  session.destroy();
  while (door.finished.length === 0) await new Promise(setImmediate);
  expect(door.finished[0]?.error?.fault.reason).toBe("CALLER_GONE");
});

it("tells the deadline of a caller that does not finish its question", async () => {
  await using door = await openRpc(provider());
  const session = connectHttp2(door.url);
  const head = { ":method": "POST", ":path": CHAT, "content-type": "application/grpc", "grpc-timeout": "50m" };
  const request = session.request(head);
  request.write(bytes.subarray(0, 4));
  const status = await new Promise((resolve) => request.on("response", (head) => resolve(head["grpc-status"])));
  expect(status).toBe("4");
  request.close();
  session.close();
});
