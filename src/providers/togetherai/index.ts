import { type TogetherAISettings, TogetherAISettingsSchema } from "../../../gen/providers/togetherai/v1/settings_pb.js";
import { Body } from "../../core/body.ts";
import type { Generation } from "../../core/call.ts";
import type { Provider, Upstream } from "../../core/provider.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { compatibleBody, type Differences } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { type NearlyOpenAI, nearlyOpenAI } from "../../dialects/openai/nearly.ts";
import { partsIn } from "../../dialects/openai/parts-in.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { logprobsAsked, logprobsTold } from "./logprobs.ts";

const BASE = "https://api.together.xyz/v1";
const PATHS: Record<Generation, string> = {
  chat: "/chat/completions",
  completions: "/completions",
  embeddings: "/embeddings",
};
const PLATFORM = ["metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user", "verbosity"];
const DIFFERS: Differences = {
  lacks: [...PLATFORM, "parallel_tool_calls", "best_of", "suffix", "dimensions", "encoding_format"],
  renames: { max_completion_tokens: "max_tokens" },
  noDeveloper: true,
  messageLacks: ["annotations", "is_error", "reasoning", "reasoning_details", "refusal"],
};
const READS: NearlyOpenAI = {
  finish: { eos: "stop", function_call: "tool_calls" },
  message: (said, model) => partsIn(said, "deepseek", model),
};

/** Together AI: chats, completions and embeddings. https://docs.together.ai/reference */
export const provider: Provider<TogetherAISettings> = {
  kind: "togetherai",
  settings: TogetherAISettingsSchema,
  check: ({ togetheraiApiKey, baseUrl }) =>
    accessProblems({ togetherai_api_key: togetheraiApiKey }, { base_url: baseUrl }, BASE),
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || BASE);
    const headers = [...JSON_REQUEST, "authorization", `Bearer ${settings.togetheraiApiKey}`];
    const now = () => Math.floor(tools.wallNow() / 1000);
    return {
      origin,
      speaks: { chat: "openai", completions: "openai", embeddings: "openai" },
      reads: {
        chat: nearlyOpenAI("chat", { ...READS, choice: logprobsTold }, now),
        completions: nearlyOpenAI("completions", READS, now),
      },
      encode(call, body, model) {
        const asked = call.plan.op === "chat" && body.peek("logprobs") !== undefined;
        const sent = asked ? Body.ofJson(logprobsAsked(body.json)) : body;
        return {
          path: prefix + PATHS[call.plan.op as Generation],
          headers,
          body: compatibleBody(call, sent, model, DIFFERS),
        };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) =>
        openAIFault("togetherai", status, replyHeaders, body, [settings.togetheraiApiKey]),
    };
  },
};
