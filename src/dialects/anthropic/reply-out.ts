import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { words } from "../../core/words.ts";
import { textOf } from "../openai/media.ts";
import { withThoughts } from "../openai/reasoning.ts";
import { citationOf } from "./citations.ts";
import { inputOf } from "./input.ts";
import { inOrder, type Placed } from "./order.ts";
import { thoughtOut } from "./sealing.ts";
import { usageOut } from "./usage.ts";

const STOP_REASONS = new Set(
  words("end_turn max_tokens stop_sequence tool_use pause_turn refusal model_context_window_exceeded"),
);

/** A whole chat answer in the common shape as a message of the Messages API. */
export function replyOut(json: Readonly<JsonObject>, requestId: string): JsonObject {
  const { id, model, choices, usage, service_tier, ...rest } = json;
  const choice = (Array.isArray(choices) ? choices.find(isObject) : undefined) ?? {};
  const message = withThoughts(isObject(choice["message"]) ? choice["message"] : {}, model);
  const content = contentOf(message);
  return {
    id: idOf(id, requestId),
    type: "message",
    role: "assistant",
    model: model ?? "",
    content,
    ...endingOf(
      choice,
      content.some(({ type }) => type === "tool_use"),
      refused(message),
    ),
    usage: usageOut(usage, service_tier),
    ...besidesOf(rest),
  };
}

/** The id of a message: the provider's, or one made of the request's id. */
export function idOf(id: Json | undefined, requestId: string): string {
  return typeof id === "string" && id !== "" ? id : `msg_${requestId.replace(/[^\w-]/g, "")}`;
}

/** OpenAI's members that an answer of the Messages API has no use for. */
const OPENAI = new Set(["object", "created", "system_fingerprint"]);

/** What an answer has besides, under its own names. */
export function besidesOf(rest: Readonly<JsonObject>): JsonObject {
  const found: JsonObject = {};
  for (const name of Object.keys(rest)) if (!OPENAI.has(name) && rest[name] !== null) found[name] = rest[name];
  return found;
}

/**
 * Why the answer ended: in Anthropic's words if the provider's are those; else `native_finish_reason` tells the provider's
 * beside them.
 */
export function endingOf(choice: JsonObject, called: boolean, declined: boolean): JsonObject {
  const { finish_reason, native_finish_reason: native, stop_sequence, stop_details } = choice;
  const own = typeof native === "string" && STOP_REASONS.has(native) ? native : undefined;
  const stopped = typeof stop_sequence === "string";
  const reason = own ?? reasonOf(finish_reason, called, declined, stopped);
  return {
    stop_reason: reason,
    stop_sequence: stopped ? stop_sequence : null,
    ...(isObject(stop_details) && { stop_details }),
    ...(own === undefined && typeof native === "string" && { native_finish_reason: native }),
  };
}

function reasonOf(finish: Json | undefined, called: boolean, declined: boolean, stopped: boolean): string {
  if (finish === "length") return "max_tokens";
  if (finish === "content_filter" || declined) return "refusal";
  // Some providers say `stop` although they call.
  if (finish === "tool_calls" || finish === "function_call" || called) return "tool_use";
  return stopped ? "stop_sequence" : "end_turn";
}

function refused({ refusal }: JsonObject): boolean {
  return typeof refusal === "string" && refusal !== "";
}

function contentOf(message: JsonObject): JsonObject[] {
  const said = saidIn(message);
  const { tool_calls, refusal } = message;
  if (said.length === 0 && typeof refusal === "string" && refusal !== "") said.push({ type: "text", text: refusal });
  const calls = Array.isArray(tool_calls) ? tool_calls.filter(isObject).map(callOut) : [];
  return inOrder(thoughtsIn(message), said, calls);
}

function thoughtsIn({ reasoning_details, reasoning, reasoning_content }: JsonObject): Placed[] {
  const details = Array.isArray(reasoning_details) ? reasoning_details.filter(isObject) : [];
  const placed: Placed[] = [];
  for (const detail of details) {
    const block = thoughtOut(detail);
    if (block !== undefined) placed.push({ block, at: detail["index"] });
  }
  const shown = placed.some(({ block }) => typeof block["thinking"] === "string" && block["thinking"] !== "");
  const thinking = reasoning ?? reasoning_content;
  if (!shown && typeof thinking === "string" && thinking !== "") {
    placed.unshift({ block: { type: "thinking", thinking, signature: "" }, at: undefined });
  }
  return placed;
}

function saidIn({ content, content_parts, annotations }: JsonObject): JsonObject[] {
  if (Array.isArray(content_parts) && textOf(content_parts) === textOf(content)) return content_parts.filter(isObject);
  const text = textOf(content);
  if (text === "") return [];
  const sources = Array.isArray(annotations) ? annotations.filter(isObject).map(citationOf) : [];
  const citations = sources.filter((one) => one !== undefined);
  return [{ type: "text", text, ...(citations.length > 0 && { citations }) }];
}

function callOut(call: JsonObject): Placed {
  const { id, function: called, custom, block_index, extra_content: _e, type: _t, index: _i, ...rest } = call;
  const { name, input } = calledBy(called, custom);
  return { block: { type: "tool_use", id: id ?? "", name, input, ...rest }, at: block_index };
}

function calledBy(called: Json | undefined, custom: Json | undefined): { name: Json; input: Json } {
  // A free-form tool's input is a text; here every input is an object.
  if (isObject(custom)) return { name: custom["name"] ?? "", input: { input: custom["input"] ?? "" } };
  const { name, arguments: args } = isObject(called) ? called : {};
  return { name: name ?? "", input: inputOf(args) };
}
