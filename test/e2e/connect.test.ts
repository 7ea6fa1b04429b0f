/** Connect's own clients in Node: what npm brings, over every wire and HTTP version that they have. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RouteAdminService } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { type ChatRequestSchema, ChatService, Role, type StreamChatResponse } from "../../gen/polygate/v1/chat_pb.js";
import { EmbeddingsService } from "../../gen/polygate/v1/embeddings_pb.js";
import { FinishReason, type Usage } from "../../gen/polygate/v1/types_pb.js";
import type { Gateway } from "../support/gateway.ts";
import { all, failure, WIRES } from "../support/rpc.ts";
import { expectSame, question, ROUTE, reference, startSimulator, type Told } from "./question.ts";

const WAYS: readonly (readonly [name: string, transport: (baseUrl: string) => Transport])[] = [
  ...WIRES.map(([name, transport]) => [`connect-node: ${name}`, transport] as const),
  ["connect-web: Connect JSON", (baseUrl) => createConnectTransport({ baseUrl })],
  ["connect-web: Connect binary", (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true })],
  ["connect-web: gRPC-web", (baseUrl) => createGrpcWebTransport({ baseUrl })],
];
const ROLES = { system: Role.SYSTEM, user: Role.USER } as const;

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

function requestOf(model: string): MessageInitShape<typeof ChatRequestSchema> {
  const messages = question.messages.map(({ role, content }) => ({
    role: ROLES[role],
    content: { case: "text" as const, value: content },
  }));
  return { model, messages, temperature: question.temperature, maxTokens: question.max_tokens };
}

const finishOf = (reason: FinishReason) => FinishReason[reason].toLowerCase();
const usageOf = (usage: Usage | undefined): Told["usage"] => ({
  prompt_tokens: usage!.promptTokens!,
  completion_tokens: usage!.completionTokens!,
  total_tokens: usage!.totalTokens!,
});

function streamedOf(pieces: readonly StreamChatResponse[]) {
  const deltas = pieces.flatMap(({ choices }) => choices);
  const texts = deltas.map(({ delta }) => delta?.content ?? "").filter((text) => text !== "");
  const ended = deltas.find(({ finishReason }) => finishReason !== FinishReason.UNSPECIFIED);
  return {
    text: texts.join(""),
    finish: finishOf(ended!.finishReason),
    usage: usageOf(pieces.at(-1)?.usage),
    pieces: texts.length,
  };
}

describe.each(WAYS)("%s", (_, transportOf) => {
  it("gets the same answers, and typed errors", async () => {
    const transport = transportOf(gateway.url);
    const client = createClient(ChatService, transport);
    const { choices, usage, served } = await client.chat(requestOf(ROUTE));
    const { content } = choices[0]!.message!;
    const text = content.case === "text" ? content.value : "";
    const unary = { text, finish: finishOf(choices[0]!.finishReason), usage: usageOf(usage) };
    const pieces = await all(client.streamChat({ chat: requestOf(ROUTE) }));
    expectSame({ unary, stream: streamedOf(pieces) }, want);
    expect([served?.route, pieces.at(-1)?.served?.route]).toEqual([ROUTE, ROUTE]);
    expect(await failure(client.chat(requestOf("no-such-route")))).toMatchObject({
      code: "NotFound",
      reason: "ROUTE_UNKNOWN",
      domain: "polygate",
    });
  });

  it("embeds, and lists the routes", async () => {
    const transport = transportOf(gateway.url);
    const input = { case: "text", value: "a cat" } as const;
    const { data } = await createClient(EmbeddingsService, transport).embed({ model: "embeddings", input });
    expect(data[0]!.embedding.length).toBeGreaterThan(1);
    const { routes } = await createClient(RouteAdminService, transport).listRoutes({});
    expect(routes.map(({ name }) => name)).toEqual(["chat", "completions", "embeddings"]);
  });
});
