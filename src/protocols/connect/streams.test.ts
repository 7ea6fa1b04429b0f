import { randomBytes } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { describe, expect, it } from "vitest";
import { ChatService, Role, StreamChatRequestSchema } from "../../../gen/polygate/v1/chat_pb.js";
import { all, failure, openRpc, provider, WIRES } from "../../../test/support/rpc.ts";
import { errors } from "../../core/errors.ts";

const messages = [{ role: Role.USER, content: { case: "text", value: "hi" } as const }];
const chat = { model: "chat", messages };
const event = (content: string, more: object = {}) =>
  `data: ${JSON.stringify({ id: "c", created: 1, model: "m", choices: [{ index: 0, delta: { content } }], ...more })}\n\n`;
const END = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;

describe.each(WIRES)("%s", (_, transportOf) => {
  it("holds the provider back while its caller does not read, and loses nothing", async () => {
    const text = randomBytes(4096).toString("hex");
    const count = 2000;
    const upstream = provider(() => ({ chunks: [...Array.from({ length: count }, () => event(text)), END] }));
    await using door = await openRpc(upstream);
    const pieces = createClient(ChatService, transportOf(door.url)).streamChat({ chat })[Symbol.asyncIterator]();
    await pieces.next();
    while (!upstream.told.includes("pause")) await new Promise(setImmediate);
    let read = 1;
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) read++;
    expect(read).toBe(count + 2);
    expect(upstream.told.filter((one) => one === "resume").length).toBeGreaterThan(0);
  });

  it("is told when the gateway can wait no longer, after the pieces that came", async () => {
    const upstream = provider(() => ({ chunks: [event("a")], open: true }));
    await using door = await openRpc(upstream);
    const pieces = createClient(ChatService, transportOf(door.url)).streamChat({ chat })[Symbol.asyncIterator]();
    expect((await pieces.next()).value.choices[0].delta.content).toBe("a");
    for (const inbound of door.underWay) inbound.onStop?.(errors.shuttingDown());
    expect(await failure(pieces.next())).toMatchObject({
      code: "Unavailable",
      reason: "SHUTTING_DOWN",
      retryDelay: { seconds: 1n },
    });
    expect(upstream.told).toEqual(["abort"]);
  });

  it("adds a last piece where the provider's stream has none", async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const chunks = [event("a", { usage: { ...usage, total_tokens: 2 } }), event("b", { usage }), END];
    await using door = await openRpc(provider(() => ({ chunks })));
    const pieces = await all(createClient(ChatService, transportOf(door.url)).streamChat({ chat }));
    expect(pieces.map((piece) => piece.usage?.totalTokens)).toEqual([undefined, undefined, undefined, 3]);
    expect(pieces.map(({ served }) => served?.route)).toEqual([undefined, undefined, undefined, "chat"]);
    expect(pieces.at(-1)).toMatchObject({ id: "c", choices: [] });
  });

  it("keeps unknown members both ways", async () => {
    const extra = { top_k: 5, nested: { list: [1, "two", null] } };
    const upstream = provider((asked) => {
      const choices = [{ index: 0, delta: { content: "x" }, finish_reason: "stop", vendor: { a: 1 } }];
      return asked["stream"]
        ? { chunks: [`data: ${JSON.stringify({ id: "c", choices, provider_note: "n" })}\n\ndata: [DONE]\n\n`] }
        : { chunks: [JSON.stringify({ id: "c", choices: [], provider_note: { deep: [true] } })] };
    });
    await using door = await openRpc(upstream);
    const client = createClient(ChatService, transportOf(door.url));
    const whole = await client.chat({ ...chat, extra });
    const [piece] = await all(client.streamChat({ chat: { ...chat, extra, streamOptions: { includeUsage: false } } }));
    expect(upstream.asked[0]).toEqual({ model: "chat", messages: [{ role: "user", content: "hi" }], ...extra });
    expect(upstream.asked[1]).toMatchObject({ ...extra, stream: true, stream_options: { include_usage: false } });
    expect(whole.extra).toEqual({ provider_note: { deep: [true] } });
    expect(piece).toMatchObject({ extra: { provider_note: "n" } });
    expect(piece!.choices[0]!.extra).toEqual({ vendor: { a: 1 } });
  });
});

it("ends a stream of gRPC with one set of trailers and no data after it", async () => {
  await using door = await openRpc(provider(() => ({ chunks: [event("a"), 'data: {"error":{"message":"no"}}\n\n'] })));
  const session = connectHttp2(door.url);
  const headers = {
    ":method": "POST",
    ":path": "/polygate.v1.ChatService/StreamChat",
    "content-type": "application/grpc",
  };
  const request = session.request({ ...headers, te: "trailers" });
  const told: string[] = [];
  request.on("response", (answer) => told.push(`head ${answer[":status"]}`));
  request.on("data", () => told.push("data"));
  request.on("trailers", (trailers) => told.push(`status ${trailers["grpc-status"]}`));
  request.end(encodeEnvelope(0, toBinary(StreamChatRequestSchema, create(StreamChatRequestSchema, { chat }))));
  await new Promise((resolve) => request.on("close", resolve));
  session.close();
  expect(told).toEqual(["head 200", "data", "status 14"]);
});
