import type { Message } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  type ChatService,
  StreamChatResponseSchema,
} from "../../../gen/polygate/v1/chat_pb.js";
import {
  CompleteRequestSchema,
  CompleteResponseSchema,
  type CompletionsService,
  StreamCompleteResponseSchema,
} from "../../../gen/polygate/v1/completions_pb.js";
import {
  type EmbeddingsService,
  EmbedRequestSchema,
  EmbedResponseSchema,
} from "../../../gen/polygate/v1/embeddings_pb.js";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { isObject, type JsonObject } from "../../core/json.ts";
import type { Door } from "../../core/site.ts";
import { type Codec, codec } from "../../dialects/proto/codec.ts";
import { type Caller, callerOf } from "./caller.ts";
import { timeoutOf } from "./headers.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import { Pull, whole } from "./pull.ts";
import { servedOf } from "./served.ts";

/** A request message: `model` names the route. */
type Asked = Message & { model: string };

/** Chat, each method only changes shapes; the plan of the call does the work. */
export function chatService(door: Door): ServiceImpl<typeof ChatService> {
  const asked = codec(ChatRequestSchema);
  const reply = codec(ChatResponseSchema);
  const piece = codec(StreamChatResponseSchema);
  return {
    chat: (request, context) => answer(door, context, "chat", asked, request, reply),
    streamChat: ({ chat }, context) => stream(door, context, "chat", asked, chat!, piece),
  };
}

/** Completions, as `chatService`. */
export function completionsService(door: Door): ServiceImpl<typeof CompletionsService> {
  const asked = codec(CompleteRequestSchema);
  const reply = codec(CompleteResponseSchema);
  const piece = codec(StreamCompleteResponseSchema);
  return {
    complete: (request, context) => answer(door, context, "completions", asked, request, reply),
    streamComplete: ({ complete }, context) => stream(door, context, "completions", asked, complete!, piece),
  };
}

/** Embeddings, as `chatService`. */
export function embeddingsService(door: Door): ServiceImpl<typeof EmbeddingsService> {
  const asked = codec(EmbedRequestSchema);
  const reply = codec(EmbedResponseSchema);
  return { embed: (request, context) => answer(door, context, "embeddings", asked, request, reply) };
}

async function answer<Q extends Asked, T extends Piece>(
  door: Door,
  context: HandlerContext,
  op: Operation,
  asked: Codec<Q>,
  request: Q,
  reply: Codec<T>,
): Promise<T> {
  const caller = callerOf(context);
  const { stream_options: _, ...common } = asked.toCommon(request);
  const call = callOf(door, context, caller, op, request.model, common, false);
  const message = reply.fromCommon(await whole(call, caller, door.clock));
  message.served = servedOf(call);
  return message;
}

function stream<Q extends Asked, T extends Piece>(
  door: Door,
  context: HandlerContext,
  op: Operation,
  asked: Codec<Q>,
  request: Q,
  piece: Codec<T>,
): AsyncIterable<T> {
  const caller = callerOf(context);
  const common = asked.toCommon(request);
  const { stream_options: options } = common;
  common["stream"] = true;
  common["stream_options"] = { include_usage: true, ...(isObject(options) && options) };
  return new Pull(callOf(door, context, caller, op, request.model, common, true), caller, door.clock, piecesOf(piece));
}

function callOf(
  { site }: Door,
  { protocolName }: HandlerContext,
  { inbound }: Caller,
  op: Operation,
  route: string,
  common: JsonObject,
  streamed: boolean,
): Call {
  const { id, headers, remote, principal, started } = inbound;
  const arrival = { id, protocol: protocolName, dialect: "proto", headers, remote, principal, started } as const;
  const timeoutMs = timeoutOf(headers);
  const call = new Call({ ...arrival, timeoutMs }, site.plan(op, route), Body.ofJson(common), streamed);
  inbound.call = call;
  return call;
}
