/**
 * What a page of another origin does with the generated code: asks over Connect and gRPC-web with connect-web, and over
 * gRPC-web with Google's own client. The test calls the functions that this puts on `globalThis`.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor } from "grpc-web";
import {
  type ChatRequest,
  ChatRequestSchema,
  type ChatResponse,
  ChatResponseSchema,
  ChatService,
  Role,
  type StreamChatRequest,
  StreamChatRequestSchema,
  type StreamChatResponse,
  StreamChatResponseSchema,
} from "../../../../gen/polygate/v1/chat_pb.js";
import { FinishReason, type Usage } from "../../../../gen/polygate/v1/types_pb.js";
import type { Both, question, Streamed, Told } from "../../question.ts";

type Question = typeof question;

/** How a call ended that should fail. */
interface Refusal {
  readonly code: string;
  readonly message: string;
}

const ROLES = { system: Role.SYSTEM, user: Role.USER } as const;

function requestOf({ messages, temperature, max_tokens }: Question, model: string): ChatRequest {
  return create(ChatRequestSchema, {
    model,
    messages: messages.map(({ role, content }) => ({
      role: ROLES[role],
      content: { case: "text" as const, value: content },
    })),
    temperature,
    maxTokens: max_tokens,
  });
}

const finishOf = (reason: FinishReason) => FinishReason[reason].toLowerCase();

function usageOf(usage: Usage | undefined): Told["usage"] {
  const { promptTokens, completionTokens, totalTokens } = usage ?? {};
  if (promptTokens === undefined || completionTokens === undefined || totalTokens === undefined) {
    throw new Error("The answer does not tell its usage.");
  }
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: totalTokens };
}

function toldOf({ choices: [choice], usage }: ChatResponse): Told {
  const { content } = choice!.message!;
  const text = content.case === "text" ? content.value : "";
  return { text, finish: finishOf(choice!.finishReason), usage: usageOf(usage) };
}

function streamedOf(pieces: readonly StreamChatResponse[]): Streamed {
  const deltas = pieces.flatMap(({ choices }) => choices);
  const texts = deltas.map(({ delta }) => delta?.content ?? "").filter((text) => text !== "");
  const end = deltas.find(({ finishReason }) => finishReason !== FinishReason.UNSPECIFIED);
  return {
    text: texts.join(""),
    finish: finishOf(end!.finishReason),
    usage: usageOf(pieces.at(-1)?.usage),
    pieces: texts.length,
  };
}

async function askWith(transport: Transport, question: Question): Promise<Both & { readonly unknown: Refusal }> {
  const chat: Client<typeof ChatService> = createClient(ChatService, transport);
  const unary = toldOf(await chat.chat(requestOf(question, "chat")));
  const pieces: StreamChatResponse[] = [];
  for await (const piece of chat.streamChat({ chat: requestOf(question, "chat") })) pieces.push(piece);
  const unknown = await chat.chat(requestOf(question, "no-such-route")).then(
    () => ({ code: "none", message: "" }),
    (error: unknown) => {
      const { code, rawMessage } = ConnectError.from(error);
      return { code: Code[code], message: rawMessage };
    },
  );
  return { unary, stream: streamedOf(pieces), unknown };
}

const UNARY = new MethodDescriptor<ChatRequest, ChatResponse>(
  "/polygate.v1.ChatService/Chat",
  "unary",
  Object as never,
  Object as never,
  (request: ChatRequest) => toBinary(ChatRequestSchema, request),
  (bytes: Uint8Array) => fromBinary(ChatResponseSchema, bytes),
);

const STREAM = new MethodDescriptor<StreamChatRequest, StreamChatResponse>(
  "/polygate.v1.ChatService/StreamChat",
  "server_streaming",
  Object as never,
  Object as never,
  (request: StreamChatRequest) => toBinary(StreamChatRequestSchema, request),
  (bytes: Uint8Array) => fromBinary(StreamChatResponseSchema, bytes),
);

async function askGoogle(baseUrl: string, question: Question): Promise<Both> {
  const client = new GrpcWebClientBase({ format: "binary" });
  const whole = await client.unaryCall(`${baseUrl}${UNARY.getName()}`, requestOf(question, "chat"), {}, UNARY);
  const pieces: StreamChatResponse[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asked = create(StreamChatRequestSchema, { chat: requestOf(question, "chat") });
  client
    .serverStreaming(`${baseUrl}${STREAM.getName()}`, asked, {}, STREAM)
    .on("data", (piece) => void pieces.push(piece))
    .on("error", reject)
    .on("end", resolve);
  await promise;
  return { unary: toldOf(whole), stream: streamedOf(pieces) };
}

/** What the test may ask of the page. */
export const asks = {
  connect: (baseUrl: string, question: Question) => askWith(createConnectTransport({ baseUrl }), question),
  connectBinary: (baseUrl: string, question: Question) =>
    askWith(createConnectTransport({ baseUrl, useBinaryFormat: true }), question),
  grpcWeb: (baseUrl: string, question: Question) => askWith(createGrpcWebTransport({ baseUrl }), question),
  google: askGoogle,
};

Object.assign(globalThis, { asks });
