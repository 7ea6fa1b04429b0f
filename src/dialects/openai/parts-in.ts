import { isObject, type Json, type JsonObject, objectsIn, textIn } from "../../core/json.ts";
import type { ReasoningFormat } from "./reasoning.ts";

/**
 * A message, or a stream's delta, whose content may be a list of parts: its texts become the content, what the model thought
 * becomes `reasoning`, and what is neither stands among its `annotations`. Servers that call it `reasoning_content` are read, too.
 *
 * Thoughts are parts `thinking` (Mistral: `thinking: [{type: "text", text}]`, `signature`) or `reasoning` (Databricks:
 * `summary: [{type: "summary_text", text, signature}]`).
 */
export function partsIn(said: Readonly<JsonObject>, format: ReasoningFormat, model: string): JsonObject {
  const { reasoning_content: thought, ...rest } = said;
  const message: JsonObject = { ...rest };
  if (typeof thought === "string" && message["reasoning"] === undefined) message["reasoning"] = thought;
  const { content } = said;
  if (!Array.isArray(content)) return message;
  const texts: string[] = [];
  const details: JsonObject[] = [];
  const others: Json[] = [];
  for (const part of content) {
    if (typeof part === "string") texts.push(part);
    else if (isObject(part)) {
      if (part["type"] === "thinking") details.push(...thinkingIn(part, format, model));
      else if (part["type"] === "reasoning") details.push(...summariesIn(part, format, model));
      else if (part["type"] === "text") texts.push(textIn(part["text"]));
      else others.push(part);
    }
  }
  message["content"] = texts.length > 0 ? texts.join("") : Array.isArray(said["tool_calls"]) ? null : "";
  if (details.length > 0) {
    message["reasoning"] = details.map((one) => textIn(one["text"] ?? one["summary"])).join("");
    message["reasoning_details"] = details;
  }
  if (others.length > 0) message["annotations"] = others;
  return message;
}

function thinkingIn(part: JsonObject, format: string, model: string): JsonObject[] {
  const { thinking, signature } = part;
  const text =
    typeof thinking === "string"
      ? thinking
      : objectsIn(thinking)
          .map((one) => textIn(one["text"]))
          .join("");
  const signed = typeof signature === "string" ? { signature } : {};
  return text === "" && typeof signature !== "string"
    ? []
    : [{ type: "reasoning.text", format, model, text, ...signed }];
}

function summariesIn(part: JsonObject, format: string, model: string): JsonObject[] {
  return objectsIn(part["summary"]).map(({ type, text, ...more }) => ({
    type: "reasoning.summary",
    format,
    model,
    summary: textIn(text),
    ...(type !== "summary_text" && { kind: type }),
    ...more,
  }));
}
