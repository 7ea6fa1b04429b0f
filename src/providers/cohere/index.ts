import { type CohereSettings, CohereSettingsSchema } from "../../../gen/providers/cohere/v1/settings_pb.js";
import type { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider, Reading, Upstream } from "../../core/provider.ts";
import { embedReplyIn, embedRequest } from "../../dialects/cohere/embed.ts";
import { GENERATE_STREAM, generateReplyIn, generateRequest, generateStreamIn } from "../../dialects/cohere/generate.ts";
import { chatReplyIn } from "../../dialects/cohere/reply-in.ts";
import { chatRequest } from "../../dialects/cohere/request-out.ts";
import { chatStreamIn } from "../../dialects/cohere/stream-in.ts";
import { isForV1, isV1Reply, v1ChatReply, v1ChatRequest, v1ChatStream } from "../../dialects/cohere/v1-chat.ts";
import { asCompletions, chatOf } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";

const BASE = "https://api.cohere.com";

/** Models of v1, which complete texts and do not chat: `command`, `command-light`, `base`, and their nightly and dated forms. */
const OLD = /^(?:command|base)(?:-(?:light|small|medium|large|xlarge|nightly|text|beta|v?\d[\w.]*))*$/;

/**
 * Cohere: chats and embeddings by API v2, completions of old models by v1's generate and of newer ones as a chat. Reranking has
 * no operation here yet; it would be `/v2/rerank` beside these.
 *
 * @see https://docs.cohere.com/reference/about
 */
export const provider: Provider<CohereSettings> = {
  kind: "cohere",
  settings: CohereSettingsSchema,
  check: ({ cohereApiKey, baseUrl }) => accessProblems({ cohere_api_key: cohereApiKey }, { base_url: baseUrl }, BASE),
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || BASE);
    const headers = [...JSON_REQUEST, "authorization", `Bearer ${settings.cohereApiKey}`];
    const secrets = [settings.cohereApiKey];
    const headOf = (call: Call) => ({
      id: null,
      created: Math.floor(tools.wallNow() / 1000),
      model: call.target?.model ?? "",
    });
    const chat: Reading = {
      streamType: GENERATE_STREAM,
      reply: (call, json) => (isV1Reply(json) ? v1ChatReply : chatReplyIn)(json, headOf(call)),
      stream: (call, on) => (isForV1(call, call.body.json) ? v1ChatStream : chatStreamIn)(on, headOf(call)),
    };
    const either: Reading = {
      streamType: GENERATE_STREAM,
      reply: (call, json) => (isOld(call) ? generateReplyIn : chatReplyIn)(json, headOf(call)),
      stream: (call, on) => (isOld(call) ? generateStreamIn : chatStreamIn)(on, headOf(call)),
    };
    const vectors: Reading = { reply: (call, json) => embedReplyIn(call, json, call.target?.model ?? "") };
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      reads: { chat, completions: asCompletions(either), embeddings: vectors },
      encode(call, body, model) {
        const [path, json] = requestOf(call, body.json, model);
        return { path: prefix + path, headers, body: Buffer.from(JSON.stringify(json)) };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) => openAIFault("cohere", status, replyHeaders, body, secrets),
    };
  },
};

function requestOf(call: Call, json: Readonly<JsonObject>, model: string): readonly [path: string, body: JsonObject] {
  // As MLflow's adapter asked for its own clients of 2.x.
  if (call.plan.op === "embeddings" && call.arrival.era !== undefined) {
    const { input, model: _, ...extras } = json;
    return ["/v1/embed", { model, texts: input ?? null, ...extras }];
  }
  if (isForV1(call, json)) return ["/v1/chat", v1ChatRequest(call, json, model)];
  if (call.plan.op === "embeddings") return ["/v2/embed", embedRequest(call, json, model)];
  if (call.plan.op === "chat") return ["/v2/chat", chatRequest(call, json, model)];
  if (OLD.test(model)) return ["/v1/generate", generateRequest(call, json, model)];
  return ["/v2/chat", chatRequest(call, chatOf(json), model)];
}

function isOld({ target }: Call): boolean {
  return target !== undefined && OLD.test(target.model);
}
