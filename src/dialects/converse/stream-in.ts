import { isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import type { StreamListener } from "../../core/sse.ts";
import { type AnswerHead, ChunkTeller, present } from "../openai/make.ts";
import { besides, converseUsage, finishOf, stopText } from "./finish.ts";
import { thoughtIn } from "./reasoning.ts";
import { annotation, pictureIn } from "./reply-in.ts";

/** Takes one event of ConverseStream: its type, and what it says. */
export type EachConverseEvent = (type: string, json: JsonObject) => void;

/**
 * Reads the events of ConverseStream. It has no terminator: `messageStop` tells why it ended, `metadata` after it the usage, and
 * then the body ends. Events and blocks that are not known are passed over.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export function converseEvents(on: StreamListener, head: AnswerHead): EachConverseEvent {
  const teller = new ChunkTeller(on, head);
  /** Told with the first event that says something: until then the stream may fail, and another target answer. */
  let greeted = true;
  /** Converse's indexes of blocks -> places among the message's calls. */
  const calls = new Map<Json | undefined, number>();
  /** Calls of which nothing was told but their names: their arguments are `{}`. */
  const bare = new Set<Json | undefined>();
  /** Bytes of thoughts that are encrypted, and of pictures: pieces of one cannot be joined in base64. */
  const sealed = new Map<Json | undefined, Buffer[]>();
  /** Formats of the pictures. */
  const pictures = new Map<Json | undefined, Json | undefined>();
  let images = 0;

  const start = (block: Json | undefined, begun: Json | undefined) => {
    const { toolUse, image } = isObject(begun) ? begun : {};
    if (isObject(image)) pictures.set(block, image["format"]);
    // What the provider runs itself is no call of the caller's.
    if (!isObject(toolUse) || toolUse["type"] !== undefined) return;
    calls.set(block, calls.size);
    bare.add(block);
    teller.toolCall(calls.size - 1, textIn(toolUse["toolUseId"]), textIn(toolUse["name"]));
  };
  const hold = (block: Json | undefined, base64: string) => {
    const held = sealed.get(block) ?? [];
    held.push(Buffer.from(base64, "base64"));
    sealed.set(block, held);
  };
  const think = (block: Json | undefined, said: JsonObject) => {
    const { redactedContent } = said;
    if (typeof redactedContent === "string") {
      hold(block, redactedContent);
      return;
    }
    const detail = thoughtIn(said, head.model, placeOf(block));
    if (detail === undefined) return;
    const { text } = detail;
    teller.delta({ ...(typeof text === "string" && { reasoning: text }), reasoning_details: [detail] });
  };
  const add = (block: Json | undefined, delta: JsonObject) => {
    const { text, toolUse, reasoningContent, citation, image } = delta;
    if (typeof text === "string") teller.delta({ content: text });
    else if (isObject(toolUse)) {
      const { input } = toolUse;
      const place = calls.get(block);
      if (place === undefined || typeof input !== "string" || input === "") return;
      bare.delete(block);
      teller.toolArguments(place, input);
    } else if (isObject(reasoningContent)) think(block, reasoningContent);
    else if (isObject(image) && isObject(image["source"])) hold(block, textIn(image["source"]["bytes"]));
    else if (isObject(citation)) teller.delta({ annotations: [annotation(citation)] });
  };

  const stop = (block: Json | undefined) => {
    if (bare.delete(block)) teller.toolArguments(calls.get(block)!, "{}");
    const pieces = sealed.get(block);
    if (pieces === undefined) return;
    sealed.delete(block);
    const bytes = Buffer.concat(pieces).toString("base64");
    const picture = pictures.has(block) ? pictureIn(pictures.get(block), { bytes }) : undefined;
    const detail = thoughtIn({ redactedContent: bytes }, head.model, placeOf(block));
    if (picture !== undefined) teller.delta({ images: [{ index: images++, ...picture }] });
    else if (!pictures.has(block) && detail !== undefined) teller.delta({ reasoning_details: [detail] });
  };

  return (type, json) => {
    const { contentBlockIndex: block, delta, start: begun } = json;
    if (!greeted && type !== "messageStart") {
      greeted = true;
      teller.delta({ role: "assistant", content: "" });
    }
    switch (type) {
      case "messageStart":
        greeted = false;
        return;
      case "contentBlockStart":
        start(block, begun);
        return;
      case "contentBlockDelta":
        if (isObject(delta)) add(block, delta);
        return;
      case "contentBlockStop":
        stop(block);
        return;
      case "messageStop": {
        for (const open of [...bare, ...sealed.keys()]) stop(open);
        const { stopReason: native, additionalModelResponseFields: fields } = json;
        const more = present({ stop_sequence: stopText(fields) });
        teller.finish(finishOf(native), typeof native === "string" ? native : undefined, 0, more);
        return;
      }
      case "metadata":
        tellMetadata(on, teller.head, json);
        return;
      default:
    }
  };
}

/** The usage, with what else stands beside it. */
function tellMetadata(on: StreamListener, { id, created, model }: AnswerHead, json: JsonObject): void {
  const usage = converseUsage(json["usage"]);
  if (usage === undefined) return;
  on.onEvent({ id, object: "chat.completion.chunk", created, model, choices: [], usage, ...besides(json) });
}

/** A block's place in the message, which Converse tells. */
function placeOf(block: Json | undefined): number {
  return typeof block === "number" ? block : 0;
}
