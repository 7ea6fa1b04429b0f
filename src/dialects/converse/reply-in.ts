import { errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import { type AnswerHead, chatReply, present } from "../openai/make.ts";
import { besides, converseUsage, finishOf, stopText } from "./finish.ts";
import { thoughtIn } from "./reasoning.ts";

/** A source that the answer names, in Converse's own words. */
export const annotation = (citation: Json): JsonObject => ({ type: "citation", citation });

/**
 * A whole answer of Converse's in the common shape. Blocks that have no place there are kept in the message's `blocks`, as they
 * came. Throws UPSTREAM_FAILED when there is no message.
 */
export function converseReply(json: Readonly<JsonObject>, head: AnswerHead): JsonObject {
  const { output, stopReason, usage, additionalModelResponseFields } = json;
  const message = isObject(output) && isObject(output["message"]) ? output["message"] : undefined;
  if (!Array.isArray(message?.["content"]))
    throw errors.upstreamFailed("The provider bedrock answered without a message.");
  const finish = finishOf(stopReason);
  const choice = present({
    index: 0,
    message: messageIn(message["content"], head.model),
    finish_reason: finish,
    native_finish_reason: stopReason,
    stop_sequence: stopText(additionalModelResponseFields),
  });
  return chatReply(head, [choice], converseUsage(usage), {
    ...besides(json),
    ...present({ additionalModelResponseFields }),
  });
}

function messageIn(content: readonly Json[], model: string): JsonObject {
  let text = "";
  const thoughts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const sources: JsonObject[] = [];
  const images: JsonObject[] = [];
  const blocks: JsonObject[] = [];
  for (const [at, block] of content.entries()) {
    if (!isObject(block)) continue;
    const { toolUse, reasoningContent, citationsContent, image } = block;
    if (typeof block["text"] === "string") text += block["text"];
    // What the provider runs itself, `server_tool_use`, is no call of the caller's.
    else if (isObject(toolUse) && toolUse["type"] === undefined) calls.push(callIn(toolUse));
    else if (isObject(reasoningContent)) thoughts.push(thoughtIn(reasoningContent, model, at) ?? {});
    else if (isObject(citationsContent)) {
      const { content: said, citations } = citationsContent;
      for (const one of Array.isArray(said) ? said : []) if (isObject(one)) text += textIn(one["text"]);
      for (const one of Array.isArray(citations) ? citations : []) sources.push(annotation(one));
    } else {
      const picture = isObject(image) ? pictureIn(image["format"], image["source"]) : undefined;
      if (picture === undefined) blocks.push(block);
      else images.push(picture);
    }
  }
  const thought = thoughts.flatMap((one) => (typeof one["text"] === "string" ? one["text"] : [])).join("");
  return present({
    role: "assistant",
    content: text !== "" || calls.length === 0 ? text : null,
    reasoning: thought === "" ? undefined : thought,
    reasoning_details: thoughts.length > 0 ? thoughts : undefined,
    tool_calls: calls.length > 0 ? calls : undefined,
    annotations: sources.length > 0 ? sources : undefined,
    images: images.length > 0 ? images : undefined,
    blocks: blocks.length > 0 ? blocks : undefined,
  });
}

/** A picture that the model made; `undefined`: it is not there by its bytes. */
export function pictureIn(format: Json | undefined, source: Json | undefined): JsonObject | undefined {
  const bytes = isObject(source) ? source["bytes"] : undefined;
  if (typeof format !== "string" || typeof bytes !== "string") return undefined;
  return { type: "image_url", image_url: { url: `data:image/${format};base64,${bytes}` } };
}

function callIn({ toolUseId, name, input }: Readonly<JsonObject>): JsonObject {
  const called = { name: textIn(name), arguments: JSON.stringify(input ?? {}) };
  return { id: textIn(toolUseId), type: "function", function: called };
}
