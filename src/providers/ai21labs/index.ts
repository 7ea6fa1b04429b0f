import { type AI21LabsSettings, AI21LabsSettingsSchema } from "../../../gen/providers/ai21labs/v1/settings_pb.js";
import { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import type { Provider, Reading, Upstream } from "../../core/provider.ts";
import { asCompletions, chatOf } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { compatibleBody, type Differences } from "../../dialects/openai/compatible.ts";
import { openAIFault } from "../../dialects/openai/fault.ts";
import { nearlyOpenAI } from "../../dialects/openai/nearly.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";
import { completeReplyIn, completeRequest } from "./complete.ts";

const BASE = "https://api.ai21.com/studio/v1";
/** Jurassic-2, which completes texts and neither chats nor streams. */
const OLD = /^j2-/;
const JURASSIC = new Set(["j2-ultra", "j2-mid", "j2-light"]);
const JAMBA: Differences = {
  lacks: (
    "best_of echo frequency_penalty logit_bias logprobs metadata parallel_tool_calls presence_penalty prompt_cache_key " +
    "reasoning_effort safety_identifier seed service_tier store stream_options suffix tool_choice top_logprobs user verbosity"
  ).split(" "),
  renames: { max_completion_tokens: "max_tokens" },
  noDeveloper: true,
  noSchemas: true,
  textOnly: true,
  messageLacks: ["annotations", "is_error", "name", "reasoning", "reasoning_details", "refusal"],
};

/**
 * AI21 Labs: chats of Jamba, completions of Jurassic-2, and completions of Jamba as chats.
 * @see https://docs.ai21.com/reference/jamba-1-6-api-ref
 */
export const provider: Provider<AI21LabsSettings> = {
  kind: "ai21labs",
  settings: AI21LabsSettingsSchema,
  check({ ai21labsApiKey, baseUrl }, { name }) {
    const problems = accessProblems({ ai21labs_api_key: ai21labsApiKey }, { base_url: baseUrl }, BASE);
    if (!OLD.test(name) || JURASSIC.has(name)) return problems;
    const message = `there is no model ${JSON.stringify(name)}; Jurassic-2 has ${[...JURASSIC].join(", ")}`;
    return [...problems, { path: "", message }];
  },
  open(settings, tools): Upstream {
    const { origin, prefix } = splitBase(settings.baseUrl || BASE);
    const headers = [...JSON_REQUEST, "authorization", `Bearer ${settings.ai21labsApiKey}`];
    const now = () => Math.floor(tools.wallNow() / 1000);
    const chat = nearlyOpenAI("chat", {}, now);
    const completed = asCompletions(chat);
    const completions: Reading = {
      ...completed,
      reply: (call, json) =>
        isOld(call) ? completeReplyIn(json, call.target!.model, now()) : completed.reply(call, json),
    };
    return {
      origin,
      speaks: { chat: "openai", completions: "openai" },
      reads: { chat, completions },
      encode(call, body, model) {
        if (!OLD.test(model)) {
          const asked = call.plan.op === "chat" ? body : Body.ofJson(chatOf(body.json));
          return { path: `${prefix}/chat/completions`, headers, body: compatibleBody(call, asked, model, JAMBA) };
        }
        if (call.plan.op === "chat")
          throw errors.operationUnsupported(`The model ${model} of ai21labs completes texts and does not chat.`);
        if (call.stream)
          throw errors.operationUnsupported(`The model ${model} of ai21labs answers whole and does not stream.`);
        const json = completeRequest(call, body.json);
        const path = `${prefix}/${encodeURIComponent(model)}/complete`;
        return { path, headers, body: Buffer.from(JSON.stringify(json)) };
      },
      usage: openAIUsage,
      fault: (status, replyHeaders, body) =>
        openAIFault("ai21labs", status, replyHeaders, body, [settings.ai21labsApiKey]),
    };
  },
};

function isOld({ target }: Call): boolean {
  return target !== undefined && OLD.test(target.model);
}
