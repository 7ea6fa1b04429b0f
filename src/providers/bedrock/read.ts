import type { Call, Generation } from "../../core/call.ts";
import { type JsonObject, parsedObject } from "../../core/json.ts";
import type { Reading, ReplyHeaders, StreamDecoder } from "../../core/provider.ts";
import type { StreamListener } from "../../core/sse.ts";
import { converseReply } from "../../dialects/converse/reply-in.ts";
import { converseEvents } from "../../dialects/converse/stream-in.ts";
import { asCompletions } from "../../dialects/openai/as-chat.ts";
import { type AnswerHead, ChunkTeller, usageOf } from "../../dialects/openai/make.ts";
import { embedReply } from "./embeddings.ts";
import { EVENT_STREAM, EventStreamDecoder } from "./event-stream.ts";
import { type FaultParts, streamFault } from "./fault.ts";
import { plainModel } from "./model.ts";
import { type OldModels, oldModelsOf, streamedUsage } from "./old-models.ts";

/** How Bedrock's answers are read. */
export function readingsOf(parts: FaultParts): { readonly [op in Generation]: Reading } {
  const headOf = (call: Call, headers: ReplyHeaders = {}): AnswerHead => ({
    id: idIn(headers),
    created: Math.floor(parts.tools.wallNow() / 1000),
    model: call.target?.model ?? "",
  });
  const decoder = (on: StreamListener, headers: ReplyHeaders, event: (type: string, json: JsonObject) => void) => {
    const exception = (type: string, json: JsonObject) => {
      decoding.stop();
      on.onFault(streamFault(parts, headers, type, json));
    };
    const decoding: StreamDecoder = new EventStreamDecoder(on, { event, exception });
    return decoding;
  };
  const chat: Reading = {
    streamType: EVENT_STREAM,
    reply: (call, json, headers) => converseReply(json, headOf(call, headers)),
    stream: (call, on, headers = {}) => decoder(on, headers, converseEvents(on, headOf(call, headers))),
  };
  const either: Reading = {
    streamType: EVENT_STREAM,
    reply(call, json, headers = {}) {
      const old = oldOf(call);
      if (old === undefined) return chat.reply(call, json, headers);
      return withCounts(old.reply(json, headOf(call, headers)), headers);
    },
    stream(call, on, headers = {}) {
      const old = oldOf(call);
      if (old === undefined) return chat.stream!(call, on, headers);
      const teller = new ChunkTeller(on, headOf(call, headers));
      return decoder(on, headers, (type, json) => {
        const said = type === "chunk" ? chunkOf(json) : undefined;
        if (said === undefined) return;
        old.event!(said, teller);
        teller.usage(streamedUsage(said));
      });
    },
  };
  const embeddings: Reading = {
    reply: (call, json, headers) => embedReply(call, plainModel(call.target?.model ?? ""), json, headers),
  };
  return { chat, completions: asCompletions(either), embeddings };
}

function oldOf({ target }: Call): OldModels | undefined {
  return target && oldModelsOf(plainModel(target.model));
}

/** What the model said, in the model's own words, within an event of Bedrock's. */
function chunkOf({ bytes }: JsonObject): JsonObject | undefined {
  return typeof bytes === "string" ? parsedObject(Buffer.from(bytes, "base64").toString("utf8")) : undefined;
}

/** Old models do not count what they read and wrote; the head of the answer does. */
function withCounts(reply: JsonObject, headers: ReplyHeaders): JsonObject {
  const count = (name: string) => {
    const value = Number(headers[`x-amzn-bedrock-${name}-token-count`]);
    return Number.isInteger(value) ? value : undefined;
  };
  const usage = reply["usage"] ?? usageOf({ prompt: count("input"), completion: count("output") });
  return usage === undefined ? reply : { ...reply, usage };
}

/** Answers have no id of their own. */
function idIn(headers: ReplyHeaders): string | null {
  const id = headers["x-amzn-requestid"];
  return typeof id === "string" ? id : null;
}
