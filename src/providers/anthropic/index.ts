import { type AnthropicSettings, AnthropicSettingsSchema } from "../../../gen/providers/anthropic/v1/settings_pb.js";
import { header } from "../../core/arrival.ts";
import type { Call } from "../../core/call.ts";
import { jsonEvents } from "../../core/frames.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider, Reading, Upstream } from "../../core/provider.ts";
import { words } from "../../core/words.ts";
import { completeReply, completeRequest, completeStream, completes } from "../../dialects/anthropic/complete.ts";
import { anthropicFault } from "../../dialects/anthropic/fault-in.ts";
import { replyIn } from "../../dialects/anthropic/reply-in.ts";
import { DEFAULT_MAX_TOKENS, type RequestOptions, requestOut } from "../../dialects/anthropic/request-out.ts";
import { streamIn } from "../../dialects/anthropic/stream-in.ts";
import { asCompletions, chatOf } from "../../dialects/openai/as-chat.ts";
import { accessProblems, JSON_REQUEST, splitBase } from "../../dialects/openai/base.ts";
import { Taken } from "../../dialects/openai/take.ts";
import { openAIUsage } from "../../dialects/openai/usage.ts";

const BASE = "https://api.anthropic.com/v1";
const VERSION = "2023-06-01";

/**
 * Anthropic: chats by the Messages API; completions of the oldest models by the Text Completions API, of others as a chat.
 * @see https://docs.claude.com/en/api/messages
 */
export const provider: Provider<AnthropicSettings> = {
  kind: "anthropic",
  settings: AnthropicSettingsSchema,
  check: ({ anthropicApiKey, anthropicApiBase, baseUrl, anthropicVersion }) =>
    accessProblems(
      { anthropic_api_key: anthropicApiKey, anthropic_version: anthropicVersion },
      { anthropic_api_base: anthropicApiBase, base_url: baseUrl },
      BASE,
    ),
  open(settings, tools): Upstream {
    const { origin, prefix } = baseOf(settings.baseUrl || settings.anthropicApiBase || BASE);
    const secrets = [settings.anthropicApiKey];
    const headersOf = headersFor(settings);
    const defaultMaxTokens = settings.defaultMaxTokens || DEFAULT_MAX_TOKENS;
    const created = () => Math.floor(tools.wallNow() / 1000);
    const fault: Upstream["fault"] = (status, headers, body) =>
      anthropicFault("anthropic", status, headers, body, secrets);
    const streamed = () => ({
      created: created(),
      fault: (json: JsonObject) => fault(200, {}, Buffer.from(JSON.stringify(json))),
    });
    const chat: Reading = {
      reply: (call, json) => replyIn(call, json, created()),
      stream: (call, on) => jsonEvents(on, streamIn(call, on, streamed())),
    };
    const asked = asCompletions(chat);
    const completions: Reading = {
      reply: (call, json) => (isOld(call) ? completeReply(call, json, created()) : asked.reply(call, json)),
      stream: (call, on) =>
        isOld(call) ? jsonEvents(on, completeStream(call, on, streamed())) : asked.stream!(call, on),
    };
    return {
      origin,
      speaks: { chat: "anthropic", completions: "anthropic" },
      reads: { chat, completions },
      encode(call, body, model) {
        const head: JsonObject = call.stream ? { model, stream: true } : { model };
        const [path, json] = requestOf(call, body.json, model, { defaultMaxTokens, head });
        return { path: prefix + path, headers: headersOf(call), body: Buffer.from(JSON.stringify(json)) };
      },
      counts(call, body, model) {
        const asked = requestOut(call, new Taken(call, body.json), model, { defaultMaxTokens, head: { model } });
        const counted = Object.fromEntries(Object.entries(asked).filter(([name]) => !ANSWERING.has(name)));
        const bytes = Buffer.from(JSON.stringify(counted));
        return { path: `${prefix}/messages/count_tokens`, headers: headersOf(call), body: bytes };
      },
      usage: openAIUsage,
      fault,
    };
  },
};

/** What is about the answer, which is none where tokens are counted: the API refuses it there. */
const ANSWERING = new Set(
  words(`
    max_tokens temperature top_p top_k stop_sequences metadata service_tier container inference_geo diagnostics
  `),
);

function requestOf(call: Call, json: Readonly<JsonObject>, model: string, options: RequestOptions) {
  if (call.plan.op !== "completions") {
    return ["/messages", requestOut(call, new Taken(call, json), model, options)] as const;
  }
  return completes(model)
    ? (["/complete", completeRequest(call, new Taken(call, json), options)] as const)
    : (["/messages", requestOut(call, new Taken(call, chatOf(json)), model, options)] as const);
}

function isOld(call: Call): boolean {
  return completes(call.target!.model);
}

/** Anthropic's SDKs are told an address without `/v1`, MLflow one with it: both are understood. */
function baseOf(base: string) {
  const { origin, prefix } = splitBase(base);
  return { origin, prefix: prefix === "" ? "/v1" : prefix };
}

/** The headers of a call: always the same, but for the betas that a caller of the Messages API asks for. */
function headersFor(settings: AnthropicSettings): (call: Call) => readonly string[] {
  const { anthropicBetas } = settings;
  const all = [...JSON_REQUEST, "x-api-key", settings.anthropicApiKey];
  all.push("anthropic-version", settings.anthropicVersion || VERSION);
  const usual = anthropicBetas.length === 0 ? all : [...all, "anthropic-beta", anthropicBetas.join(",")];
  return ({ arrival }) => {
    const asked = arrival.dialect === "anthropic" ? header(arrival.headers, "anthropic-beta") : undefined;
    if (asked === undefined || !/^[\w.,\s-]{1,1000}$/.test(asked)) return usual;
    const betas = new Set(
      [...anthropicBetas, ...asked.split(",").map((one) => one.trim())].filter((one) => one !== ""),
    );
    return [...all, "anthropic-beta", [...betas].join(",")];
  };
}
