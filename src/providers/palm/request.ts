import type { Call } from "../../core/call.ts";
import { GatewayError } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { onePrompt } from "../../dialects/openai/as-chat.ts";
import { present } from "../../dialects/openai/make.ts";
import { textOf, textsOf } from "../../dialects/openai/media.ts";
import { Taken } from "../../dialects/openai/take.ts";

/** MLflow's factors: 0-1 went through as it was until 2.9, and was halved from then on. */
const MLFLOW = { legacy: 1, modern: 0.5 };

/** A completion in the words of `generateText`, whose temperatures end at 1. Throws FIELD_INVALID for several prompts. */
export function textRequest(call: Call): JsonObject {
  const taken = new Taken(call);
  const text = onePrompt(taken.take("prompt"));
  refuseNative(call, ["maxOutputTokens", "max_tokens"], ["stopSequences", "stop"]);
  return present({
    ...common(taken),
    stopSequences: taken.stop() as Json | undefined,
    maxOutputTokens: taken.maxTokens(),
    ...tuning(call, taken),
    prompt: { text },
    ...taken.extras(),
  });
}

/**
 * A chat in the words of `generateMessage`: roles are authors, and instructions its context. It has no limit of tokens; MLflow's callers
 * are refused one, as MLflow does.
 */
export function messageRequest(call: Call): JsonObject {
  const taken = new Taken(call);
  const { json } = call.body;
  if (call.arrival.dialect === "mlflow" && (json["max_tokens"] ?? json["maxOutputTokens"] ?? null) !== null) {
    throw new GatewayError("Max tokens is not supported for PaLM chat.", {
      reason: "FIELD_INVALID",
      param: "max_tokens",
    });
  }
  // MLflow's own clients of 2.x have every message sent as it is.
  const exact = call.arrival.era !== undefined;
  const context: string[] = [];
  const messages: JsonObject[] = [];
  for (const [at, message] of listOf(taken.take("messages")).entries()) {
    if (!exact) tellLost(call, message, at);
    const { role, content } = message;
    if (exact) {
      const { role: _, ...said } = message;
      messages.push({ ...said, author: role ?? "user" });
      continue;
    }
    const text = textOf(content);
    if (role === "system" || role === "developer") context.push(text);
    else messages.push({ content: text, author: role ?? "user" });
  }
  const prompt = context.length === 0 ? { messages } : { context: context.join("\n"), messages };
  refuseNative(call, ["stopSequences", "stop"]);
  return present({
    ...common(taken),
    ...(exact && { stopSequences: taken.stop() as Json | undefined }),
    ...tuning(call, taken),
    prompt,
    ...taken.extras(),
  });
}

/** A request for vectors in the words of `batchEmbedText`. */
export function textsRequest(call: Call): JsonObject {
  const taken = new Taken(call);
  const input = taken.take("input");
  // Google has switched the API off: MLflow's own clients of 2.x are asked for as MLflow did it.
  const texts = call.arrival.era === undefined ? textsOf(input) : (input ?? null);
  // The reply is written in the form that the caller wants.
  taken.take("encoding_format");
  return { texts, ...taken.extras() };
}

function common(taken: Taken): JsonObject {
  return { temperature: taken.temperature(1, MLFLOW), candidateCount: taken.number("n") };
}

/** MLflow's own clients of 2.x have their names sent as they are. */
function tuning(call: Call, taken: Taken): JsonObject {
  if (call.arrival.era !== undefined) return {};
  return { topP: taken.number("top_p"), topK: taken.number("top_k") };
}

/** What PaLM's messages have no place for. */
function tellLost(call: Call, message: JsonObject, at: number): void {
  for (const [name, value] of Object.entries(message)) {
    if (name === "role" || value === null) continue;
    if (name !== "content") call.adjust("dropped", `messages[${at}].${name}`);
    else if (Array.isArray(value)) tellParts(call, value, `messages[${at}].content`);
  }
}

function tellParts(call: Call, parts: readonly Json[], path: string): void {
  for (const [place, part] of parts.entries()) {
    if (!isObject(part) || part["type"] !== "text") call.adjust("dropped", `${path}[${place}]`);
  }
}

/** MLflow refuses Google's names of what it has names of its own for. */
function refuseNative(call: Call, ...more: readonly (readonly [native: string, own: string])[]): void {
  const { dialect, legacy = false } = call.arrival;
  if (dialect !== "mlflow") return;
  for (const [native, own] of [["candidateCount", legacy ? "candidate_count" : "n"] as const, ...more]) {
    if (call.body.json[native] === undefined) continue;
    const why = `Invalid parameter ${native}. Use ${own} instead.`;
    throw new GatewayError(why, { reason: "FIELD_INVALID", param: native });
  }
}

function listOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
