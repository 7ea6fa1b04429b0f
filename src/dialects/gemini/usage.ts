import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { present, usageOf } from "../openai/make.ts";
import { fields, lists, numberIn } from "./fields.ts";

/** Tokens by what they are of, beside those that the common shape names. */
const MODALITIES = { TEXT: "text_tokens", IMAGE: "image_tokens", VIDEO: "video_tokens", DOCUMENT: "document_tokens" };

/**
 * `usageMetadata` in the common shape; `undefined`: nothing was counted. What tools brought in counts as prompt, what was thought
 * as completion, as in the total that Google gives.
 *
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function usageIn(value: Json | undefined): JsonObject | undefined {
  const told = fields(value);
  const count = (name: string) => numberIn(told[name]);
  const prompt = count("promptTokenCount");
  const tools = count("toolUsePromptTokenCount");
  const made = count("candidatesTokenCount") ?? count("responseTokenCount");
  const thought = count("thoughtsTokenCount");
  const read = byModality(told["promptTokensDetails"]);
  const written = byModality(told["candidatesTokensDetails"] ?? told["responseTokensDetails"]);
  const usage = usageOf({
    prompt: prompt === undefined ? tools : prompt + (tools ?? 0),
    completion: made === undefined ? thought : made + (thought ?? 0),
    total: count("totalTokenCount"),
    cached: count("cachedContentTokenCount"),
    reasoning: thought,
    audioIn: read.audio,
    audioOut: written.audio,
  });
  if (usage === undefined) return undefined;
  add(usage, "prompt_tokens_details", { ...read.others, tool_use_tokens: tools });
  add(usage, "completion_tokens_details", written.others);
  return usage;
}

function byModality(details: Json | undefined): { audio: number | undefined; others: JsonObject } {
  let audio: number | undefined;
  const others: JsonObject = {};
  for (const { modality, tokenCount } of lists(details)) {
    const name = MODALITIES[modality as keyof typeof MODALITIES];
    if (modality === "AUDIO") audio = numberIn(tokenCount);
    else if (name !== undefined) others[name] = numberIn(tokenCount);
  }
  return { audio, others };
}

function add(usage: JsonObject, name: string, more: JsonObject): void {
  const told = usage[name];
  const details = present({ ...(isObject(told) ? told : {}), ...more });
  if (Object.keys(details).length > 0) usage[name] = details;
}

/** Usage in the common shape as `usageMetadata`. */
export function usageMetadata(usage: Json | undefined): JsonObject | undefined {
  if (!isObject(usage)) return undefined;
  const read = isObject(usage["prompt_tokens_details"]) ? usage["prompt_tokens_details"] : {};
  const made = isObject(usage["completion_tokens_details"]) ? usage["completion_tokens_details"] : {};
  const thought = numberIn(made["reasoning_tokens"]);
  const tools = numberIn(read["tool_use_tokens"]);
  return present({
    promptTokenCount: less(numberIn(usage["prompt_tokens"]), tools),
    candidatesTokenCount: less(numberIn(usage["completion_tokens"]), thought),
    totalTokenCount: numberIn(usage["total_tokens"]),
    cachedContentTokenCount: numberIn(read["cached_tokens"]),
    thoughtsTokenCount: thought,
    toolUsePromptTokenCount: tools,
    promptTokensDetails: modalities(read),
    candidatesTokensDetails: modalities(made),
  });
}

function less(all: number | undefined, part: number | undefined): number | undefined {
  return all === undefined ? undefined : Math.max(0, all - (part ?? 0));
}

function modalities(details: JsonObject): Json | undefined {
  const found: JsonObject[] = [];
  for (const [modality, name] of [...Object.entries(MODALITIES), ["AUDIO", "audio_tokens"] as const]) {
    const tokenCount = numberIn(details[name]);
    // Providers that know no sound count none of it; that is no modality of the answer.
    if (tokenCount !== undefined && (tokenCount > 0 || modality !== "AUDIO")) found.push({ modality, tokenCount });
  }
  return found.length === 0 ? undefined : found;
}
