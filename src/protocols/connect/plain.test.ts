import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { type ChatRequestSchema, ChatService, Role } from "../../../gen/polygate/v1/chat_pb.js";
import { all, failure, openRpc, provider, WIRES } from "../../../test/support/rpc.ts";

type Chat = MessageInitShape<typeof ChatRequestSchema>;
const messages = [{ role: Role.USER, content: { case: "text", value: "hi" } as const }];
const chat: Chat = { model: "chat", messages, temperature: 0.5, stop: ["."], seed: 7n, extra: { top_k: 5 } };
/** What is the gateway's to say is ignored, but no such request is plain. */
const odd: Chat = { ...chat, extra: { top_k: 5, stream: true } };

describe.each(WIRES)("%s", (_, transportOf) => {
  it("asks and answers the same with messages and without, whole and piece by piece", async () => {
    const upstream = provider();
    await using door = await openRpc(upstream);
    const client = createClient(ChatService, transportOf(door.url));
    const headers = { "x-request-id": "same" };
    const [whole, oddWhole] = [await client.chat(chat, { headers }), await client.chat(odd, { headers })];
    const pieces = await all(client.streamChat({ chat }, { headers }));
    const oddPieces = await all(client.streamChat({ chat: odd }, { headers }));
    expect(oddWhole.served!.dropped).toEqual(["stream"]);
    expect(oddPieces.at(-1)!.served!.dropped).toEqual(["stream"]);
    oddWhole.served!.dropped = [];
    oddPieces.at(-1)!.served!.dropped = [];
    expect(oddWhole).toEqual(whole);
    expect(oddPieces).toEqual(pieces);
    const [first, second, third, fourth] = upstream.asked;
    expect(first).toMatchObject({ temperature: 0.5, stop: ["."], seed: 7, top_k: 5 });
    expect(first).not.toHaveProperty("stream");
    expect(second).toEqual(first);
    expect(third).toMatchObject({ stream: true });
    expect(fourth).toEqual(third);
  });

  it.each([
    ["a member that breaks its field's rule", { extra: { temperature: 5 } }, "extra.temperature"],
    ["a member that its field would hide", { extra: { stop: ["x"] } }, "extra.stop"],
    ["a member of another type", { extra: { n: "many" } }, "extra.n"],
    ["the route", { extra: { model: "other" } }, "extra.model"],
    ["a message's own member", { messages: [{ ...messages[0]!, extra: { role: "tool" } }] }, "messages[0].extra.role"],
    ["a number that JSON would round", { seed: 2n ** 53n + 1n }, "seed"],
  ] as const)("refuses %s, and names it", async (_why, over, field) => {
    const upstream = provider();
    await using door = await openRpc(upstream);
    const client = createClient(ChatService, transportOf(door.url));
    const told = await failure(client.chat({ ...chat, ...over } as Chat));
    expect(told).toMatchObject({ code: "InvalidArgument", reason: "FIELD_INVALID" });
    expect(told.violations!.map((one) => one.field)).toEqual([field]);
    expect(upstream.asked).toEqual([]);
  });
});

it("takes what an enum does not know yet, and what a provider's own message had, from extra", async () => {
  const upstream = provider();
  await using door = await openRpc(upstream);
  const client = createClient(ChatService, createGrpcTransport({ baseUrl: door.url }));
  const spoken = { role: Role.ASSISTANT, extra: { reasoning: { steps: 2 } } };
  await client.chat({ model: "chat", messages: [spoken], extra: { reasoning_effort: "utmost" } });
  expect(upstream.asked).toEqual([
    { model: "chat", messages: [{ role: "assistant", reasoning: { steps: 2 } }], reasoning_effort: "utmost" },
  ]);
});

it("refuses an unknown service in Connect's form, whatever the caller's headers are", async () => {
  await using door = await openRpc(provider());
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
  const reply = await fetch(`${door.url}/polygate.v1.Nope/X`, post);
  expect(reply.status).toBe(404);
  expect(await reply.json()).toMatchObject({ code: "unimplemented" });
});
