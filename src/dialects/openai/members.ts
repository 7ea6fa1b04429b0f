import type { Operation } from "../../core/call.ts";
import type { Json } from "../../core/json.ts";
import { words } from "../../core/words.ts";

/**
 * Top-level members of a request in the common shape, as `proto/polygate/v1` names them (a test holds them to it). Any other
 * member is a stranger: a provider's own, which is passed on to it.
 */
export const MEMBERS = {
  chat: new Set(
    words(`
      model messages temperature top_p n stop max_tokens max_completion_tokens presence_penalty frequency_penalty
      logit_bias logprobs top_logprobs seed tools tool_choice parallel_tool_calls response_format reasoning_effort
      verbosity user safety_identifier prompt_cache_key metadata store service_tier stream_options stream
    `),
  ),
  completions: new Set(
    words(`
      model prompt max_tokens temperature top_p n stop best_of presence_penalty frequency_penalty logit_bias
      logprobs echo suffix seed user stream_options stream
    `),
  ),
  embeddings: new Set(["model", "input", "dimensions", "encoding_format", "user"]),
  predictions: new Set<string>(),
} satisfies Record<Operation, ReadonlySet<string>>;

/** Members of Google's API that its callers' requests keep. Its own providers take them. */
export const GEMINI_ONLY: ReadonlySet<string> = new Set(
  words(`
    generationConfig toolConfig safetySettings cachedContent labels modelArmorConfig continuationToken
    functionDeclarations generation_config tool_config safety_settings cached_content
  `),
);

/** Anthropic's own members, likewise; `top_k` and `thinking` are known to others, too. */
export const ANTHROPIC_ONLY: ReadonlySet<string> = new Set(
  words("cache_control container context_management diagnostics fallbacks inference_geo mcp_servers speed"),
);

/** OpenAI's own members beside those: no other provider knows them, so they are dropped there in place of passed on. */
export const OPENAI_ONLY: ReadonlySet<string> = new Set(
  words("audio function_call functions modalities prediction prompt_cache_retention web_search_options"),
);

/** Whether a member stands in OpenAI's API. */
export function isOpenAIs(op: Operation, name: string): boolean {
  return MEMBERS[op].has(name) || (op === "chat" && OPENAI_ONLY.has(name));
}

/** Values that ask for nothing: what everybody does without being asked. Not to send them loses nothing. */
const NEUTRAL: Readonly<Record<string, Json>> = {
  n: 1,
  best_of: 1,
  echo: false,
  logprobs: false,
  store: false,
  parallel_tool_calls: true,
  presence_penalty: 0,
  frequency_penalty: 0,
  tool_choice: "auto",
  service_tier: "auto",
  encoding_format: "float",
};

/** Whether a member asks for something, so that its loss has to be told. */
export function asks(name: string, value: Json | undefined): boolean {
  if (value === undefined || value === null || value === NEUTRAL[name]) return false;
  if (typeof value !== "object") return true;
  const members = Object.entries(value);
  if (members.length === 0) return false;
  // The stream's options are the gateway's business, and text is what every model answers.
  if (name === "stream_options") return false;
  return !(name === "response_format" && members.length === 1 && (value as { type?: Json }).type === "text");
}
