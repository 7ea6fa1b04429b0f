import { type GeminiSettings, GeminiSettingsSchema } from "../../../gen/providers/gemini/v1/settings_pb.js";
import type { JsonObject } from "../../core/json.ts";
import type { Outgoing, Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { countRequest } from "../../dialects/gemini/count.ts";
import { embedContent } from "../../dialects/gemini/embeddings-out.ts";
import { googleFault } from "../../dialects/gemini/google-fault.ts";
import { geminiChat, geminiEmbeddings } from "../../dialects/gemini/reading.ts";
import { generateContent } from "../../dialects/gemini/request-out.ts";
import { asCompletions, chatOf } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";

const DEFAULT_BASE = "https://generativelanguage.googleapis.com/v1beta";

/**
 * Google's Gemini API: chat, completions as a chat, and embeddings.
 * @see https://ai.google.dev/api
 */
export const provider: Provider<GeminiSettings> = {
  kind: "gemini",
  settings: GeminiSettingsSchema,
  check,
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || DEFAULT_BASE);
    const secrets = [settings.geminiApiKey];
    const headers = [...JSON_REQUEST, "x-goog-api-key", settings.geminiApiKey];
    const chat = geminiChat(() => tools.wallNow());
    const sent = (resource: string, method: string, json: JsonObject): Outgoing => {
      const path = `${prefix}/${resource.split("/").map(encodeURIComponent).join("/")}:${method}`;
      return { path, headers, body: Buffer.from(JSON.stringify(json)) };
    };
    return {
      origin,
      speaks: { chat: "gemini", completions: "gemini", embeddings: "gemini" },
      reads: { chat, completions: asCompletions(chat), embeddings: geminiEmbeddings },
      encode(call, body, model) {
        const resource = resourceOf(model);
        if (call.plan.op === "embeddings") {
          const { method, json } = embedContent(call, resource);
          return sent(resource, method, json);
        }
        const asked = call.plan.op === "completions" ? chatOf(body.json) : body.json;
        const method = call.stream ? "streamGenerateContent?alt=sse" : "generateContent";
        return sent(resource, method, generateContent(call, model, asked));
      },
      counts(call, _body, model) {
        const resource = resourceOf(model);
        return sent(resource, "countTokens", countRequest(call, model, resource));
      },
      counted: ({ totalTokens }) => totalTokens,
      usage: openAIUsage,
      fault: (status, replyHeaders, body) => googleFault("gemini", status, replyHeaders, body, secrets),
    };
  },
};

/** A tuned model is named with what it is; others are models. */
function resourceOf(model: string): string {
  return model.includes("/") ? model : `models/${model}`;
}

function check({ geminiApiKey, baseUrl }: GeminiSettings): readonly SettingsProblem[] {
  return accessProblems({ gemini_api_key: geminiApiKey }, { base_url: baseUrl }, DEFAULT_BASE);
}
