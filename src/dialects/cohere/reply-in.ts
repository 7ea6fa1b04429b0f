import { isObject, type Json, type JsonObject, objectIn, objectsIn, textIn } from "../../core/json.ts";
import { type AnswerHead, chatReply, present } from "../openai/make.ts";
import { cohereUsage, finishOf } from "./finish.ts";

/** A piece of what the model thought. `source` is `tool_plan` for what it planned before its calls, else `thinking`. */
export function thought(text: string, source: "tool_plan" | "thinking", model: string, index: number): JsonObject {
  return { type: "reasoning.text", format: "cohere", model, index, source, text };
}

/** A source that the answer names, in Cohere's own words. */
export const annotation = (citation: Json): JsonObject => ({ type: "citation", citation });

/** Probability of one piece of text, which may be of several tokens: its logarithm is their sum. */
export function logprobOf(item: Readonly<JsonObject>): JsonObject {
  const { text = "", logprobs, ...rest } = item;
  const sum = Array.isArray(logprobs) ? (logprobs as number[]).reduce((a, b) => a + b, 0) : null;
  return { token: text, logprob: sum, bytes: null, top_logprobs: [], ...rest };
}

/**
 * A whole chat answer of Cohere's (API v2) in the common shape.
 *
 * @param head Its `id` is the answer's own.
 */
export function chatReplyIn(json: Readonly<JsonObject>, head: AnswerHead): JsonObject {
  const { message: said, finish_reason: native, logprobs } = json;
  const finish_reason = finishOf(native, json["error"]);
  const message = objectIn(said);
  const blocks = objectsIn(message["content"]);
  const texts = blocks.flatMap((block) => (typeof block["text"] === "string" ? block["text"] : []));
  const plan = message["tool_plan"];
  const thoughts: JsonObject[] = [];
  for (const { thinking } of blocks) {
    if (typeof thinking === "string") thoughts.push(thought(thinking, "thinking", head.model, thoughts.length));
  }
  if (typeof plan === "string" && plan !== "") thoughts.push(thought(plan, "tool_plan", head.model, thoughts.length));
  const calls = Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
  const citations = Array.isArray(message["citations"]) ? message["citations"] : [];
  const choice = present({
    index: 0,
    message: present({
      role: "assistant",
      content: texts.length > 0 || calls.length === 0 ? texts.join("") : null,
      reasoning: thoughts.length > 0 ? thoughts.map((one) => textIn(one["text"])).join("") : undefined,
      reasoning_details: thoughts.length > 0 ? thoughts : undefined,
      tool_calls: calls.length > 0 ? calls : undefined,
      annotations: citations.length > 0 ? citations.map(annotation) : undefined,
    }),
    logprobs: Array.isArray(logprobs) ? { content: logprobs.filter(isObject).map(logprobOf) } : undefined,
    finish_reason,
    native_finish_reason: native,
  });
  const id = typeof json["id"] === "string" ? json["id"] : head.id;
  return chatReply({ ...head, id }, [choice], cohereUsage(json["usage"]));
}
