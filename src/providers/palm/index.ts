import { type PalmSettings, PalmSettingsSchema } from "../../../gen/providers/palm/v1/settings_pb.js";
import { errors } from "../../core/errors.ts";
import type { Provider, SettingsProblem, Upstream } from "../../core/provider.ts";
import { googleFault } from "../../dialects/gemini/google-fault.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { messageReply, textReply, vectorsOf } from "./reply.ts";
import { messageRequest, textRequest, textsRequest } from "./request.ts";

const DEFAULT_BASE = "https://generativelanguage.googleapis.com/v1beta3";

/**
 * Google's PaLM API, for servers that still speak it: texts, chats and embeddings, whole alone.
 * @see https://ai.google.dev/api/palm
 */
export const provider: Provider<PalmSettings> = {
  kind: "palm",
  settings: PalmSettingsSchema,
  check,
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || DEFAULT_BASE);
    const headers = [...JSON_REQUEST, "x-goog-api-key", settings.palmApiKey];
    const created = () => Math.floor(tools.wallNow() / 1000);
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      reads: {
        chat: { reply: (call, json) => messageReply(call, json, created()) },
        completions: { reply: (call, json) => textReply(call, json, created()) },
        embeddings: { reply: vectorsOf },
      },
      encode(call, _body, model) {
        if (call.stream) throw errors.operationUnsupported("The models of PaLM answer whole and do not stream.");
        const [method, json] = said(call.plan.op);
        const path = `${prefix}/models/${encodeURIComponent(model)}:${method}`;
        return { path, headers, body: Buffer.from(JSON.stringify(json)) };

        function said(op: typeof call.plan.op) {
          if (op === "embeddings") return ["batchEmbedText", textsRequest(call)] as const;
          return op === "chat"
            ? (["generateMessage", messageRequest(call)] as const)
            : (["generateText", textRequest(call)] as const);
        }
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) => googleFault("palm", status, replyHeaders, body, [settings.palmApiKey]),
    };
  },
};

function check({ palmApiKey, baseUrl }: PalmSettings): readonly SettingsProblem[] {
  const message = "palm is deprecated: Google has switched its API off; take the provider gemini";
  const warning: SettingsProblem = { path: "", message, warning: true };
  return [warning, ...accessProblems({ palm_api_key: palmApiKey }, { base_url: baseUrl }, DEFAULT_BASE)];
}
