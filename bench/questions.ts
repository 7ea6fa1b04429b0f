import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { ChatRequestSchema, Role, StreamChatRequestSchema } from "../gen/polygate/v1/chat_pb.js";
import { frames } from "./load-h2.ts";
import { prose } from "./replies.ts";

/** The bytes of each question, made once. What the members mean to the upstream is at the head of `upstream.ts`. */

/** The key that callers show; gateways without keys do not look. */
export const CALLER_KEY = "bench-caller-key-0123456789";
const SYSTEM = "You answer in one paragraph, and you say so when you do not know.";
const SMALL = 1024;
const LARGE = 32 * 1024;

/** Events of one streamed answer. */
export const EVENTS = 200;

interface Asking {
  readonly path: string;
  readonly body: Buffer | string;
  readonly key?: string;
  readonly agent?: string;
  readonly type?: string;
}

/** An HTTP/1.1 request. */
export function http1({ path, body, key = CALLER_KEY, agent = "bench/1", type = "application/json" }: Asking): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    `user-agent: ${agent}`,
    "accept: application/json, text/event-stream",
    `content-type: ${type}`,
    `authorization: Bearer ${key}`,
    `content-length: ${bytes.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

/** A gRPC request of one message. */
export function grpc(path: string, message: Uint8Array): Buffer {
  const envelope = Buffer.alloc(5);
  envelope.writeUInt32BE(message.length, 1);
  const headers = [":path", path, ":authority", "127.0.0.1", "content-type", "application/grpc", "te", "trailers"];
  headers.push("user-agent", "bench/1", "authorization", `Bearer ${CALLER_KEY}`);
  return frames(headers, Buffer.concat([envelope, message]));
}

/** OpenAI's question of about `bytes`, in several messages when it is large. */
function openAI(model: string, bytes: number, more: object = {}): string {
  const turns = bytes > 2048 ? 15 : 1;
  const of = (each: number) => {
    const talk = Array.from({ length: turns }, (_, i) => ({
      role: i % 2 === 0 ? "user" : "assistant",
      content: prose(each),
    }));
    const messages = [{ role: "system", content: SYSTEM }, ...talk];
    return JSON.stringify({ model, messages, temperature: 0.7, max_tokens: 256, ...more });
  };
  const overhead = of(2).length - 2 * turns;
  return of(Math.floor((bytes - overhead) / turns));
}

function mlflow(bytes: number): string {
  const { model: _, ...rest } = JSON.parse(openAI("", bytes)) as { model: string };
  return JSON.stringify(rest);
}

function proto(model: string, maxTokens = 256) {
  return create(ChatRequestSchema, {
    model,
    messages: [
      { role: Role.SYSTEM, content: { case: "text", value: SYSTEM } },
      { role: Role.USER, content: { case: "text", value: prose(820) } },
    ],
    temperature: 0.7,
    maxTokens,
  });
}

const CHAT = "/v1/chat/completions";
const MLFLOW = { path: "/gateway/chat/invocations", agent: "mlflow-python-client/2.22.5" };
const streamed = { stream: true, max_tokens: EVENTS };

/** The questions by name. `model`: what another gateway calls its route. */
export function questions(model: string) {
  const asked = proto(model);
  const stream = create(StreamChatRequestSchema, { chat: proto(model, EVENTS) });
  return {
    small: http1({ path: CHAT, body: openAI(model, SMALL) }),
    large: http1({ path: CHAT, body: openAI(model, LARGE) }),
    sse: http1({ path: CHAT, body: openAI(model, SMALL, streamed) }),
    burst: http1({ path: CHAT, body: openAI(model, SMALL, { ...streamed, user: "burst" }) }),
    mlflow: http1({ ...MLFLOW, body: mlflow(SMALL) }),
    mlflowLarge: http1({ ...MLFLOW, body: mlflow(LARGE) }),
    connect: http1({ path: "/polygate.v1.ChatService/Chat", body: toJsonString(ChatRequestSchema, asked) }),
    grpc: grpc("/polygate.v1.ChatService/Chat", toBinary(ChatRequestSchema, asked)),
    grpcStream: grpc("/polygate.v1.ChatService/StreamChat", toBinary(StreamChatRequestSchema, stream)),
    badKey: http1({ path: CHAT, body: openAI(model, SMALL), key: "bench-nobodys-key-0123456789" }),
    limited: http1({ path: CHAT, body: openAI("limited", SMALL) }),
    unknown: http1({ path: CHAT, body: openAI("nobody", SMALL) }),
    translated: http1({ path: CHAT, body: openAI("claude", SMALL) }),
  };
}

export type Question = keyof ReturnType<typeof questions>;
