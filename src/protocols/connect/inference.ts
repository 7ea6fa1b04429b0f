import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  ChatService,
  StreamChatResponseSchema,
} from "../../../gen/polygate/v1/chat_pb.js";
import {
  CompleteRequestSchema,
  CompleteResponseSchema,
  CompletionsService,
  StreamCompleteResponseSchema,
} from "../../../gen/polygate/v1/completions_pb.js";
import { EmbeddingsService, EmbedRequestSchema, EmbedResponseSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import { Body } from "../../core/body.ts";
import type { Operation } from "../../core/call.ts";
import type { Door } from "../../core/site.ts";
import { type Codec, codec } from "../../dialects/proto/codec.ts";
import { ignoredIn } from "../../dialects/proto/strays.ts";
import { callOf, forStream } from "./call.ts";
import { callerOf } from "./caller.ts";
import { type Shortcut, shortcutOf } from "./direct/shortcut.ts";
import { madeBy, type Piece, piecesOf } from "./pieces.ts";
import { Pull, whole } from "./pull.ts";

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

/** The ways of these services' methods without messages, by the method. */
export function inferenceShortcuts(door: Door): ReadonlyMap<DescMethod, Shortcut> {
  const all = new Map<DescMethod, Shortcut>();
  const add = (op: Operation, method: DescMethod) => {
    const streams = method.methodKind === "server_streaming";
    const message = madeBy(codec(method.output) as Codec<Piece>);
    all.set(method, shortcutOf(door, { op, request: method.input, reply: method.output, streams, message }));
  };
  for (const method of ChatService.methods) add("chat", method);
  for (const method of CompletionsService.methods) add("completions", method);
  for (const method of EmbeddingsService.methods) add("embeddings", method);
  return all;
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
  const body = Body.ofOwn(forStream(asked.toCommon(request), false));
  const call = callOf(door, context.protocolName, caller, op, request.model, body, false);
  for (const name of ignoredIn(request)) call.adjust("dropped", name);
  const common = await whole(call, caller, door.clock, (answered) => answered.json);
  return madeBy(reply)(common, call);
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
  const body = Body.ofOwn(forStream(asked.toCommon(request), true));
  const call = callOf(door, context.protocolName, caller, op, request.model, body, true);
  for (const name of ignoredIn(request)) call.adjust("dropped", name);
  return new Pull(call, caller, door.clock, piecesOf(madeBy(piece)));
}
