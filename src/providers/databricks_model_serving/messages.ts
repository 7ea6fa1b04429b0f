import type { Call } from "../../core/call.ts";
import { isObject, type Json, type JsonObject, objectsIn } from "../../core/json.ts";
import { ownReasoning } from "../../dialects/openai/reasoning.ts";

/**
 * Messages with what the model thought where Databricks has it: as parts of the content. Of another model's thoughts it is told
 * that they are dropped.
 */
export function withThoughts(call: Call, messages: Json | undefined, model: string): Json | undefined {
  if (!Array.isArray(messages)) return messages;
  return messages.map((message, at) => {
    if (!isObject(message) || message["role"] !== "assistant") return message;
    const { reasoning, reasoning_details, ...rest } = message;
    const own = ownReasoning(message, "databricks", model);
    const given = Array.isArray(reasoning_details) ? reasoning_details.length : 0;
    if (given > own.length) call.adjust("dropped", `messages[${at}].reasoning_details`);
    else if (own.length === 0 && reasoning) call.adjust("dropped", `messages[${at}].reasoning`);
    if (own.length === 0) return rest;
    const summary = own.map((one): JsonObject => {
      const more = Object.entries(one).filter(([name]) => !OURS.has(name));
      return { type: one["kind"] ?? "summary_text", text: one["summary"] ?? "", ...Object.fromEntries(more) };
    });
    return { ...rest, content: [{ type: "reasoning", summary }, ...partsOf(rest["content"])] };
  });
}

/** What the common shape says of a thought; the rest is Databricks'. */
const OURS = new Set(["type", "summary", "kind", "format", "model", "index"]);

function partsOf(content: Json | undefined): Json[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return objectsIn(content);
}
