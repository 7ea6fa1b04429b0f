import { createClient } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ChatService, Role } from "../../../gen/polygate/v1/chat_pb.js";
import { CompletionsService } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService } from "../../../gen/polygate/v1/embeddings_pb.js";
import { FinishReason } from "../../../gen/polygate/v1/types_pb.js";
import { CHAT_TEXT } from "../../../test/support/canned.ts";
import { all, openRpc, provider, WIRES } from "../../../test/support/rpc.ts";

const messages = [{ role: Role.USER, content: { case: "text", value: "hi" } as const }];
const chat = { model: "chat", messages };

describe.each(WIRES)("%s", (_, transportOf) => {
  it("answers whole, and says who served", async () => {
    const upstream = provider();
    await using door = await openRpc(upstream);
    const client = createClient(ChatService, transportOf(door.url));
    let id: string | null = null;
    const reply = await client.chat(chat, {
      headers: { "x-request-id": "req-1" },
      onHeader: (all) => {
        id = all.get("x-request-id");
      },
    });
    expect(reply.choices[0]!.message!.content).toEqual({ case: "text", value: CHAT_TEXT });
    expect(reply.choices[0]!.finishReason).toBe(FinishReason.STOP);
    expect(reply.usage!.totalTokens).toBeGreaterThan(0);
    expect(reply.served).toMatchObject({
      route: "chat",
      provider: "fake",
      model: "model-0",
      target: "0",
      attempt: 1,
      requestId: "req-1",
    });
    expect(id).toBe("req-1");
    expect(upstream.asked).toEqual([{ model: "chat", messages: [{ role: "user", content: "hi" }] }]);
  });

  it("answers piece by piece, and the last piece alone has usage and who served", async () => {
    const upstream = provider();
    await using door = await openRpc(upstream);
    const pieces = await all(createClient(ChatService, transportOf(door.url)).streamChat({ chat }));
    expect(
      pieces
        .flatMap(({ choices }) => choices)
        .map(({ delta }) => delta?.content ?? "")
        .join(""),
    ).toBe(CHAT_TEXT);
    const last = pieces.pop()!;
    expect(last.choices).toEqual([]);
    expect(last.usage!.totalTokens).toBeGreaterThan(0);
    expect(last.served).toMatchObject({ route: "chat", provider: "fake" });
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.filter(({ usage, served, choices }) => usage || served || choices.length === 0)).toEqual([]);
    expect(upstream.asked[0]).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });

  it("completes and embeds", async () => {
    await using door = await openRpc(provider());
    const completions = createClient(CompletionsService, transportOf(door.url));
    const complete = { model: "completions", prompt: { case: "text", value: "Once" } as const };
    const whole = await completions.complete(complete);
    const pieces = await all(completions.streamComplete({ complete }));
    expect(whole.choices[0]!.text).not.toBe("");
    expect(
      pieces
        .flatMap(({ choices }) => choices)
        .map(({ text }) => text)
        .join(""),
    ).toBe(whole.choices[0]!.text);
    const embeddings = createClient(EmbeddingsService, transportOf(door.url));
    const { data, served } = await embeddings.embed({ model: "embeddings", input: { case: "text", value: "a cat" } });
    expect(data[0]!.embedding.length).toBeGreaterThan(0);
    expect(served?.route).toBe("embeddings");
  });
});
