/** Answers of Anthropic's Messages API in tests: the provider's fixtures, and streams put together as its SDKs do. */
import { readFileSync } from "node:fs";
import type { Call } from "../../src/core/call.ts";
import { jsonEvents } from "../../src/core/frames.ts";
import { isObject, type Json, type JsonObject } from "../../src/core/json.ts";
import { streamIn } from "../../src/dialects/anthropic/stream-in.ts";
import { unsealed } from "../../src/dialects/openai/reasoning.ts";

/** A fixture of the provider `anthropic`. */
export const file = (name: string): Buffer =>
  readFileSync(new URL(`../../src/providers/anthropic/fixtures/${name}`, import.meta.url));

/** A stream of the Messages API as events of the common shape. Throws unless it ends well. */
export function streamedEvents(call: Call, bytes: Buffer): JsonObject[] {
  const events: JsonObject[] = [];
  let done = false;
  const on = {
    onEvent: (json: JsonObject) => void events.push(json),
    onWhole: () => undefined,
    onDone: () => {
      done = true;
    },
    onBad: (why: string) => {
      throw new Error(why);
    },
    onFault: (error: Error) => {
      throw error;
    },
  };
  const fault = (json: JsonObject) => {
    throw new Error(JSON.stringify(json));
  };
  const decoder = jsonEvents(on, streamIn(call, on, { created: 1, fault }));
  decoder.push(bytes);
  decoder.finish();
  if (!done) throw new Error("the stream did not end");
  return events;
}

/** The events of a stream that a caller of the Messages API got, each with its name. Throws where the two differ. */
export function eventsOf(text: string): JsonObject[] {
  if (!text.endsWith("\n\n")) throw new Error(`cut: ${text.slice(-50)}`);
  return text
    .split("\n\n")
    .slice(0, -1)
    .map((frame) => {
      const match = /^event: (\w+)\ndata: (.*)$/s.exec(frame);
      if (match === null) throw new Error(`no event: ${frame}`);
      const json = JSON.parse(match[2]!) as JsonObject;
      if (json["type"] !== match[1]) throw new Error(`${match[1]} is of type ${JSON.stringify(json["type"])}`);
      return json;
    });
}

type State = "before" | "between" | "block" | "ending" | "over";

/**
 * The message that a stream is, joined by the API's rules. Throws where the stream breaks its grammar: one block after another,
 * with indexes from 0, between `message_start` and `message_delta`, and `message_stop` last.
 */
export function joined(text: string): JsonObject {
  let state: State = "before";
  let message: JsonObject = {};
  let content: JsonObject[] = [];
  let input = "";
  const go = (event: JsonObject, from: State, to: State) => {
    if (state !== from) throw new Error(`${String(event["type"] as string)} where the stream is ${state}`);
    state = to;
  };
  for (const event of eventsOf(text)) {
    switch (event["type"]) {
      case "message_start":
        go(event, "before", "between");
        message = structuredClone(event["message"] as JsonObject);
        content = message["content"] as JsonObject[];
        break;
      case "content_block_start":
        go(event, "between", "block");
        if (event["index"] !== content.length)
          throw new Error(`block ${JSON.stringify(event["index"])} after ${content.length}`);
        content.push(structuredClone(event["content_block"] as JsonObject));
        input = "";
        break;
      case "content_block_delta": {
        go(event, "block", "block");
        if (event["index"] !== content.length - 1) throw new Error("a delta of another block");
        const delta = event["delta"] as JsonObject;
        if (delta["type"] === "input_json_delta") input += delta["partial_json"] as string;
        grow(content.at(-1)!, delta);
        break;
      }
      case "content_block_stop":
        go(event, "block", "between");
        if (input !== "") content.at(-1)!["input"] = JSON.parse(input) as Json;
        break;
      case "message_delta": {
        go(event, "between", "ending");
        Object.assign(message, event["delta"]);
        message["usage"] = { ...(message["usage"] as JsonObject), ...(event["usage"] as JsonObject) };
        break;
      }
      case "ping":
        if (state === "before" || state === "over") throw new Error(`a ping where the stream is ${state}`);
        break;
      case "message_stop":
        go(event, "ending", "over");
        break;
      default:
        throw new Error(`an event ${JSON.stringify(event)}`);
    }
  }
  if ((state as State) !== "over") throw new Error(`the stream ended ${state}`);
  return message;
}

const LEGAL: Readonly<Record<string, readonly string[]>> = {
  text_delta: ["text"],
  citations_delta: ["text"],
  thinking_delta: ["thinking"],
  signature_delta: ["thinking"],
  input_json_delta: ["tool_use", "server_tool_use", "mcp_tool_use"],
};

function grow(block: JsonObject, delta: JsonObject): void {
  const type = delta["type"] as string;
  if (!LEGAL[type]?.includes(block["type"] as string)) throw new Error(`${type} in ${JSON.stringify(block["type"])}`);
  if (type === "text_delta") block["text"] = (block["text"] as string) + (delta["text"] as string);
  if (type === "thinking_delta") block["thinking"] = (block["thinking"] as string) + (delta["thinking"] as string);
  if (type === "signature_delta") block["signature"] = delta["signature"]!;
  if (type === "citations_delta") {
    block["citations"] = [...((block["citations"] as Json[] | undefined) ?? []), delta["citation"]!];
  }
}

/** A message without its nulls, and with signatures as the provider made them: what says the same is the same. */
export function tidy(json: Json): Json {
  if (Array.isArray(json)) return json.map(tidy);
  if (!isObject(json)) return json;
  const entries = Object.entries(json).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const seal = name === "signature" || name === "data" ? unsealed(value as string) : undefined;
      return [name, seal ? seal.signature : tidy(value as Json)];
    }),
  );
}
