import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present } from "../openai/make.ts";

/** What a response repeats of its request, with the defaults that OpenAI puts in. */
function echoOf(request: Readonly<JsonObject>): JsonObject {
  const { text, reasoning } = request;
  const told = (name: string, otherwise: Json = null): Json => request[name] ?? otherwise;
  return {
    background: false,
    instructions: told("instructions"),
    max_output_tokens: told("max_output_tokens"),
    max_tool_calls: told("max_tool_calls"),
    metadata: told("metadata", {}),
    parallel_tool_calls: told("parallel_tool_calls", true),
    previous_response_id: null,
    prompt_cache_key: told("prompt_cache_key"),
    reasoning: { effort: null, summary: null, ...(isObject(reasoning) ? reasoning : {}) },
    safety_identifier: told("safety_identifier"),
    service_tier: told("service_tier", "auto"),
    store: false,
    temperature: told("temperature"),
    text: { format: { type: "text" }, ...(isObject(text) ? text : {}) },
    tool_choice: told("tool_choice", "auto"),
    tools: told("tools", []),
    top_logprobs: told("top_logprobs", 0),
    top_p: told("top_p"),
    truncation: told("truncation", "disabled"),
    user: told("user"),
  };
}

/** The head of a response: everything but what the model made. */
export interface ResponseHead {
  /** Without the prefix that says of what. */
  readonly key: string;
  readonly createdAt: number;
  readonly model: string;
  readonly echo: JsonObject;
}

/** The head of an answer, from a whole reply or a stream's first event in the common shape. */
export function headOf(
  { id, created, model }: Readonly<JsonObject>,
  request: Readonly<JsonObject>,
  otherwise: string,
): ResponseHead {
  const named = typeof model === "string" ? model : request["model"];
  const createdAt = typeof created === "number" ? created : 0;
  return { key: keyOf(id, otherwise), createdAt, model: named as string, echo: echoOf(request) };
}

/** A response as it stands. `output` and the rest are what is known by now. */
export function responseOf(
  head: ResponseHead,
  status: string,
  output: readonly JsonObject[],
  more: JsonObject = {},
): JsonObject {
  return {
    id: `resp_${head.key}`,
    object: "response",
    created_at: head.createdAt,
    status,
    error: null,
    incomplete_details: null,
    model: head.model,
    output: [...output],
    ...head.echo,
    usage: null,
    ...more,
  };
}

/** Ids of everything in an answer begin alike: the provider's id of it, without its prefix and what no id may have. */
function keyOf(id: Json | undefined, otherwise: string): string {
  const text = typeof id === "string" && id !== "" ? id.replace(/^(?:chatcmpl|msg|resp|gen)[-_]/, "") : otherwise;
  return text.replace(/[^\w-]/g, "").slice(0, 64);
}

/** Status and reason of an answer that ended so. */
export function endingOf(finish: Json | undefined): {
  readonly status: "completed" | "incomplete";
  readonly details: Json;
} {
  if (finish === "length") return { status: "incomplete", details: { reason: "max_output_tokens" } };
  if (finish === "content_filter") return { status: "incomplete", details: { reason: "content_filter" } };
  return { status: "completed", details: null };
}

/** `usage` in the words of this API; null: the provider told none. */
export function usageFor(usage: Json | undefined): Json {
  if (!isObject(usage)) return null;
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens = 0 } = usage;
  const read = isObject(usage["prompt_tokens_details"]) ? usage["prompt_tokens_details"] : {};
  const made = isObject(usage["completion_tokens_details"]) ? usage["completion_tokens_details"] : {};
  return {
    input_tokens: prompt_tokens,
    input_tokens_details: present({
      cached_tokens: read["cached_tokens"] ?? 0,
      cache_write_tokens: read["cache_write_tokens"],
    }),
    output_tokens: completion_tokens,
    output_tokens_details: { reasoning_tokens: made["reasoning_tokens"] ?? 0 },
    total_tokens,
  };
}

/** Log probabilities of some tokens, as parts of a text have them. */
export function logprobsFor(logprobs: Json | undefined): Json[] {
  return isObject(logprobs) && Array.isArray(logprobs["content"]) ? logprobs["content"] : [];
}
