import type { Usage } from "../../core/call.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/** `usage` of an OpenAI reply or stream event; `undefined` when it has none. https://platform.openai.com/docs/api-reference/chat/object */
export function openAIUsage(json: JsonObject): Usage | undefined {
  const { usage } = json;
  if (!isObject(usage)) return undefined;
  const prompt = isObject(usage["prompt_tokens_details"]) ? usage["prompt_tokens_details"] : undefined;
  const completion = isObject(usage["completion_tokens_details"]) ? usage["completion_tokens_details"] : undefined;
  const found: { -readonly [key in keyof Usage]: Usage[key] } = {};
  put(found, "promptTokens", usage["prompt_tokens"]);
  put(found, "completionTokens", usage["completion_tokens"]);
  put(found, "totalTokens", usage["total_tokens"]);
  put(found, "cachedTokens", prompt?.["cached_tokens"]);
  put(found, "reasoningTokens", completion?.["reasoning_tokens"]);
  return found;
}

function put(to: { -readonly [key in keyof Usage]: Usage[key] }, key: keyof Usage, value: Json | undefined): void {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) to[key] = value;
}
