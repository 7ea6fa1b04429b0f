import { type MistralSettings, MistralSettingsSchema } from "../../../gen/providers/mistral/v1/settings_pb.js";
import type { Provider, Upstream } from "../../core/provider.ts";
import { asCompletions, chatOf } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { nearlyOpenAI } from "../../dialects/openai/nearly.ts";
import { partsIn } from "../../dialects/openai/parts-in.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { chatRequest, embeddingsRequest } from "./request.ts";

const BASE = "https://api.mistral.ai/v1";

/**
 * Mistral: chats, embeddings, and completions as chats of one message. What its models think stands among the parts of their
 * answers.
 *
 * @see https://docs.mistral.ai/api/
 */
export const provider: Provider<MistralSettings> = {
  kind: "mistral",
  settings: MistralSettingsSchema,
  check: ({ mistralApiKey, baseUrl }) =>
    accessProblems({ mistral_api_key: mistralApiKey }, { base_url: baseUrl }, BASE),
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || BASE);
    const headers = [...JSON_REQUEST, "authorization", `Bearer ${settings.mistralApiKey}`];
    const chat = nearlyOpenAI(
      "chat",
      { finish: { model_length: "length" }, message: (said, model) => partsIn(said, "mistral", model) },
      () => Math.floor(tools.wallNow() / 1000),
    );
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      reads: { chat, completions: asCompletions(chat) },
      encode(call, { json }, model) {
        const { op } = call.plan;
        const body =
          op === "embeddings"
            ? embeddingsRequest(call, json, model)
            : chatRequest(call, op === "chat" ? json : chatOf(json), model);
        const path = `${prefix}${op === "embeddings" ? "/embeddings" : "/chat/completions"}`;
        return { path, headers, body: Buffer.from(JSON.stringify(body)) };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) =>
        openAIFault("mistral", status, replyHeaders, body, [settings.mistralApiKey]),
    };
  },
};
