import type { Call } from "../../core/call.ts";
import { isObject, type JsonObject, textIn } from "../../core/json.ts";
import { ownReasoning, type ReasoningDetail } from "../openai/reasoning.ts";

/** A piece of what the model thought, as the common shape keeps it. `index` is the block's place in the message. */
export function thoughtIn(said: Readonly<JsonObject>, model: string, index: number): ReasoningDetail | undefined {
  const head = { format: "bedrock", model, index };
  const { reasoningText, redactedContent } = said;
  if (typeof redactedContent === "string") return { type: "reasoning.encrypted", ...head, data: redactedContent };
  const { text, signature } = isObject(reasoningText) ? reasoningText : said;
  if (typeof text !== "string" && typeof signature !== "string") return undefined;
  return {
    type: "reasoning.text",
    ...head,
    ...(typeof text === "string" && { text }),
    ...(typeof signature === "string" && { signature }),
  };
}

/** What the same model thought before, to give it back: signed thoughts have to lead the message. The rest is told as dropped. */
export function thoughtsOut(call: Call, path: string, message: Readonly<JsonObject>, model: string): JsonObject[] {
  const own = ownReasoning(message, "bedrock", model);
  const details = message["reasoning_details"];
  const given = Array.isArray(details) ? details.length : 0;
  if (given > own.length) call.adjust("dropped", `${path}.reasoning_details`);
  if (given === 0 && message["reasoning"]) call.adjust("dropped", `${path}.reasoning`);
  return joined(own).flatMap(({ text, signature, data }): JsonObject[] => {
    if (typeof data === "string") return [{ reasoningContent: { redactedContent: data } }];
    if (typeof text !== "string" && typeof signature !== "string") return [];
    const reasoningText: JsonObject = { text: text ?? "", ...(typeof signature === "string" && { signature }) };
    return [{ reasoningContent: { reasoningText } }];
  });
}

/** Callers may give a stream's pieces back as they came: those of one place are one thought. */
function joined(details: readonly ReasoningDetail[]): ReasoningDetail[] {
  const all: ReasoningDetail[] = [];
  for (const { ...detail } of details) {
    const before = all.at(-1);
    const same = before?.["index"] !== undefined && before["index"] === detail["index"] && before.type === detail.type;
    if (before === undefined || !same || detail.type !== "reasoning.text") all.push(detail);
    else {
      const { text = "", signature } = detail;
      before["text"] = textIn(before["text"]) + textIn(text);
      if (signature !== undefined) before["signature"] = signature;
    }
  }
  return all;
}
