import type { Call } from "../../core/call.ts";
import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { type AnswerHead, chatReply, type FinishReason } from "../openai/make.ts";
import { annotationOf } from "./citations.ts";
import { usageIn } from "./usage.ts";

const FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "content_filter",
  compaction: "stop",
};

/** Why an answer ended, in the common shape. */
export function finishOf(stopReason: Json | undefined): FinishReason {
  return (typeof stopReason === "string" && FINISH[stopReason]) || "stop";
}

/**
 * A whole message of the Messages API in the common shape. What was said is in `content` as one text; where that loses
 * something, it stands in `content_parts` block by block as well.
 *
 * @param created Seconds since 1970: the API does not tell.
 */
export function replyIn(call: Call, json: Readonly<JsonObject>, created: number): JsonObject {
  const { id, model, content, stop_reason, stop_sequence, stop_details, usage, type: _t, role: _r, ...more } = json;
  if (!Array.isArray(content)) throw errors.upstreamFailed("The provider's answer has no content.");
  const head: AnswerHead = {
    id: typeof id === "string" ? id : null,
    created,
    model: typeof model === "string" ? model : call.target!.model,
  };
  const choice: JsonObject = {
    index: 0,
    message: messageIn(content, call.target!.model, stop_details),
    finish_reason: finishOf(stop_reason),
    native_finish_reason: stop_reason ?? null,
  };
  endOf(choice, stop_sequence, stop_details);
  return chatReply(head, [choice], usageIn(usage), besides(more, usage));
}

/** What an answer has besides, under its own names; nulls say nothing. The tier that served is in OpenAI's word. */
export function besides(more: JsonObject, usage: Json | undefined): JsonObject {
  const found: JsonObject = {};
  for (const name of Object.keys(more)) if (more[name] !== null) found[name] = more[name];
  const tier = isObject(usage) ? usage["service_tier"] : undefined;
  if (typeof tier === "string") found["service_tier"] = tier === "standard" ? "default" : tier;
  return found;
}

/** Notes on a choice, beside its reason, which text ended it and why it was refused. */
export function endOf(choice: JsonObject, stopSequence: Json | undefined, stopDetails: Json | undefined): void {
  if (typeof stopSequence === "string") choice["stop_sequence"] = stopSequence;
  if (isObject(stopDetails)) choice["stop_details"] = stopDetails;
}

function messageIn(content: readonly Json[], model: string, stopDetails: Json | undefined): JsonObject {
  const blocks = content.filter(isObject);
  const details: JsonObject[] = [];
  const parts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const annotations: JsonObject[] = [];
  let thought = "";
  let said = "";
  let cited = false;
  /** Whether something followed a call: then the calls tell their places. */
  let mixed = false;
  for (let index = 0; index < blocks.length; index++) {
    const block = blocks[index]!;
    const { type } = block;
    if (type === "tool_use") {
      calls.push(callIn(block, index));
      continue;
    }
    if (calls.length > 0) mixed = true;
    const detail = detailIn(block, model, index);
    if (detail !== undefined) {
      details.push(detail);
      if (typeof detail["text"] === "string") thought += detail["text"];
      continue;
    }
    parts.push(block);
    if (type !== "text" || typeof block["text"] !== "string") continue;
    const from = said.length;
    said += block["text"];
    if (!Array.isArray(block["citations"])) continue;
    cited = true;
    for (const citation of block["citations"]) {
      if (isObject(citation)) annotations.push(annotationOf(citation, from, said.length));
    }
  }
  const plain = parts.length === 0 || (parts.length === 1 && parts[0]!["type"] === "text" && !cited);
  const message: JsonObject = { role: "assistant", content: parts.some(isText) ? said : null };
  if (!plain) message["content_parts"] = parts;
  if (annotations.length > 0) message["annotations"] = annotations;
  if (thought !== "") message["reasoning"] = thought;
  if (details.length > 0) message["reasoning_details"] = details;
  if (calls.length > 0) message["tool_calls"] = mixed ? calls : calls.map(({ block_index: _, ...rest }) => rest);
  const refusal = refusalOf(stopDetails);
  if (refusal !== undefined) message["refusal"] = refusal;
  return message;
}

function isText({ type }: JsonObject): boolean {
  return type === "text";
}

/** The provider's words on why it declined. */
export function refusalOf(stopDetails: Json | undefined): string | undefined {
  const words = isObject(stopDetails) ? stopDetails["explanation"] : undefined;
  return typeof words === "string" && words !== "" ? words : undefined;
}

function callIn({ type: _, id, name, input, ...rest }: JsonObject, index: number): JsonObject {
  const called = { name: name ?? "", arguments: JSON.stringify(input ?? {}) };
  return { id: id ?? "", type: "function", function: called, ...rest, block_index: index };
}

/** A thought as it can be given back; `undefined`: the block is none. `index` is its place among the message's blocks. */
export function detailIn(block: JsonObject, model: string | undefined, index: number): JsonObject | undefined {
  const whose = { format: "anthropic", ...(model !== undefined && { model }), index };
  if (block["type"] === "thinking") {
    const { type: _, thinking, signature, ...rest } = block;
    return { type: "reasoning.text", ...whose, text: thinking ?? "", signature: signature ?? "", ...rest };
  }
  if (block["type"] === "redacted_thinking") {
    const { type: _, data, ...rest } = block;
    return { type: "reasoning.encrypted", ...whose, data: data ?? "", ...rest };
  }
  return undefined;
}
