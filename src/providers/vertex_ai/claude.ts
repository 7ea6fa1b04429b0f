import type { Call } from "../../core/call.ts";
import { jsonEvents } from "../../core/frames.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Reading, Upstream } from "../../core/provider.ts";
import { replyIn } from "../../dialects/anthropic/reply-in.ts";
import { DEFAULT_MAX_TOKENS, requestOut } from "../../dialects/anthropic/request-out.ts";
import { streamIn } from "../../dialects/anthropic/stream-in.ts";
import { Taken } from "../../dialects/openai/take.ts";

/** On Vertex the version stands in the body. https://docs.claude.com/en/api/claude-on-vertex-ai */
const VERSION = { anthropic_version: "vertex-2023-10-16" };

/** What the count of tokens is asked with. */
const COUNTED = ["system", "messages", "tools", "tool_choice", "thinking"];

/** A chat for a model of Anthropic's: `rawPredict` takes the Messages API's request, without the model. */
export function claudeRequest(call: Call, name: string, json: Readonly<JsonObject>): JsonObject {
  const head: JsonObject = call.stream ? { ...VERSION, stream: true } : VERSION;
  return requestOut(call, new Taken(call, json), name, { defaultMaxTokens: DEFAULT_MAX_TOKENS, head });
}

/** The same, as a question for its count of tokens, which a model of its own answers. */
export function claudeCount(call: Call, name: string, json: Readonly<JsonObject>): JsonObject {
  const asked = requestOut(call, new Taken(call, json), name, { defaultMaxTokens: DEFAULT_MAX_TOKENS });
  const members = COUNTED.flatMap((member) => (asked[member] === undefined ? [] : [[member, asked[member]]]));
  return { ...VERSION, model: name, ...Object.fromEntries(members) };
}

/** How its answers are read. */
export function claudeReading(fault: Upstream["fault"], wallNow: () => number): Reading {
  const created = () => Math.floor(wallNow() / 1000);
  const streamed = () => ({
    created: created(),
    fault: (json: JsonObject) => fault(200, {}, Buffer.from(JSON.stringify(json))),
  });
  return {
    reply: (call, json) => replyIn(call, json, created()),
    stream: (call, on) => jsonEvents(on, streamIn(call, on, streamed())),
  };
}
