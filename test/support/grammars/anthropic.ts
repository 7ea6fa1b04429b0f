/** Streams of Anthropic's messages. @see https://docs.anthropic.com/en/docs/build-with-claude/streaming */
import { framesOf, type Heard, must, nothing, parsed } from "./told.ts";

type Json = Record<string, unknown>;

const DELTAS: Readonly<Record<string, readonly string[]>> = {
  text: ["text_delta", "citations_delta"],
  tool_use: ["input_json_delta"],
  server_tool_use: ["input_json_delta"],
  thinking: ["thinking_delta", "signature_delta"],
};

/** Throws `Ungrammatical`. One message; blocks one after the other, each opened, added to and closed; then why, and the end. */
export function anthropicStream(body: string): Heard {
  const heard = nothing();
  let state: "new" | "between" | "block" | "stopping" | "over" = "new";
  let block: Json = {};
  let blocks = 0;
  let argued = "";
  for (const { event, data } of framesOf(body)) {
    const json = parsed(data);
    const type = json["type"] as string;
    must(event === type, `the event ${event} has the type ${type}`);
    must(state !== "over", `${type} follows the end`);
    if (type === "ping") continue;
    if (type === "error") {
      heard.failed = (json["error"] as Json)["message"] as string;
      state = "over";
    } else if (type === "message_start") {
      must(state === "new", "a second message begins");
      const message = json["message"] as Json;
      must(message["role"] === "assistant" && message["type"] === "message", "the message is not an assistant's");
      must(Array.isArray(message["content"]) && message["content"].length === 0, "the message begins with content");
      heard.input = inputOf(message["usage"] as Json);
      state = "between";
    } else if (type === "content_block_start") {
      must(
        state === "between" && json["index"] === blocks,
        `block ${String(json["index"])} begins in ${state} after ${blocks}`,
      );
      block = json["content_block"] as Json;
      argued = "";
      state = "block";
    } else if (type === "content_block_delta") {
      must(state === "block" && json["index"] === blocks, "a delta outside its block");
      const delta = json["delta"] as Json;
      const allowed = DELTAS[block["type"] as string] ?? [];
      must(
        allowed.includes(delta["type"] as string),
        `${String(delta["type"])} in a block of ${String(block["type"])}`,
      );
      if (block["type"] === "text") heard.text += (delta["text"] as string | undefined) ?? "";
      if (delta["type"] === "thinking_delta") heard.reasoning += delta["thinking"] as string;
      argued += (delta["partial_json"] as string | undefined) ?? "";
    } else if (type === "content_block_stop") {
      must(state === "block" && json["index"] === blocks, "a block is closed that is not open");
      if (block["type"] === "tool_use") {
        must(typeof block["id"] === "string" && typeof block["name"] === "string", "a call has no id or name");
        heard.calls.push({ id: block["id"], name: block["name"], arguments: argued === "" ? "{}" : argued });
        JSON.parse(heard.calls.at(-1)!.arguments);
      }
      blocks++;
      state = "between";
    } else if (type === "message_delta") {
      must(state === "between" || state === "stopping", `message_delta in ${state}`);
      heard.finish = (json["delta"] as Json)["stop_reason"] as string;
      const usage = json["usage"] as Json;
      heard.output = usage["output_tokens"] as number;
      if (usage["input_tokens"] !== undefined && usage["input_tokens"] !== null) heard.input = inputOf(usage);
      state = "stopping";
    } else {
      must(type === "message_stop" && state === "stopping", `${type} in ${state}`);
      state = "over";
    }
  }
  must(state === "over", `the stream ends in ${state}`);
  return heard;
}

/** All of the input: what was cached is counted apart there. */
function inputOf(usage: Json): number {
  const count = (name: string) => (usage[name] as number | undefined) ?? 0;
  return count("input_tokens") + count("cache_creation_input_tokens") + count("cache_read_input_tokens");
}
