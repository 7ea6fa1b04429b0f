import type { DescMessage } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema } from "../../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import type { JsonObject } from "../../core/json.ts";
import { isSound, violationsOf } from "./check.ts";
import { codec } from "./codec.ts";
import { rulesOf } from "./rules.ts";

const chat = rulesOf(ChatRequestSchema);
const hello = { model: "chat", messages: [{ role: "user", content: "Hello" }] };
const broken = (json: JsonObject) => violationsOf(chat, { ...hello, ...json });

describe("a REST request and a gRPC request", () => {
  const validator = createValidator();
  const both = (desc: DescMessage, json: JsonObject) => {
    const rules = rulesOf(desc);
    const rest = violationsOf(rules, json);
    expect(isSound(rules, json)).toBe(rest.length === 0);
    return { grpc: grpcOf(desc, json), rest };
  };
  const grpcOf = (desc: DescMessage, json: JsonObject) =>
    (validator.validate(desc, codec(desc).fromCommon(json)).violations ?? []).map((one) => ({
      field: inJson(one.toString().slice(0, one.toString().indexOf(": "))),
      description: one.message,
    }));

  it("may go to the bounds of every rule", () => {
    const bounds = { temperature: 2, top_p: 0, n: 128, stop: ["1", "2", "3", "4"], logit_bias: { "1": -100 } };
    // Lengths count code points: this is 512 of them, and twice as many units of a JavaScript string.
    const json = { ...hello, ...bounds, metadata: { k: "👩".repeat(512) } };
    expect(both(ChatRequestSchema, json)).toEqual({ grpc: [], rest: [] });
  });

  it.each<[string, DescMessage, JsonObject]>([
    ["too hot", ChatRequestSchema, { ...hello, temperature: 2.1 }],
    ["too cold", ChatRequestSchema, { ...hello, temperature: -0.1 }],
    ["top_p over 1", ChatRequestSchema, { ...hello, top_p: 1.5 }],
    ["no choices", ChatRequestSchema, { ...hello, n: 0 }],
    ["no tokens", ChatRequestSchema, { ...hello, max_tokens: 0, max_completion_tokens: 0 }],
    ["penalties", ChatRequestSchema, { ...hello, presence_penalty: 3, frequency_penalty: -3 }],
    ["top_logprobs", ChatRequestSchema, { ...hello, top_logprobs: 21 }],
    ["five stops", ChatRequestSchema, { ...hello, stop: ["1", "2", "3", "4", "5"] }],
    ["a bias", ChatRequestSchema, { ...hello, logit_bias: { "50256": 101 } }],
    ["no messages", ChatRequestSchema, { model: "chat", messages: [] }],
    ["an empty name", ChatRequestSchema, { ...hello, model: "" }],
    ["a tool's name", ChatRequestSchema, { ...hello, tools: [{ type: "function", function: { name: "a b" } }] }],
    [
      "a schema's name",
      ChatRequestSchema,
      { ...hello, response_format: { type: "json_schema", json_schema: { name: "ä" } } },
    ],
    ["a long label", ChatRequestSchema, { ...hello, metadata: { k: "x".repeat(513) } }],
    ["no parts", ChatRequestSchema, { model: "chat", messages: [{ role: "user", content: [] }] }],
    ["best_of", CompleteRequestSchema, { model: "m", prompt: "p", best_of: 21, logprobs: 6, max_tokens: 0 }],
    ["no texts", CompleteRequestSchema, { model: "m", prompt: [] }],
    ["an empty text", EmbedRequestSchema, { model: "m", input: "" }],
    ["no dimensions", EmbedRequestSchema, { model: "m", input: [[1]], dimensions: 0 }],
  ])("break the same rules in the same words: %s", (_, desc, json) => {
    const { grpc, rest } = both(desc, json);
    expect(rest).toEqual(grpc);
    expect(rest).not.toEqual([]);
  });

  it("both need a model, messages, a role, and an input", () => {
    const { grpc, rest } = both(ChatRequestSchema, { messages: [{ content: "Hello" }] });
    expect(rest).toEqual([
      { field: "model", description: "is required" },
      { field: "messages[0].role", description: "is required" },
    ]);
    expect(grpc.map((one) => one.field)).toEqual(rest.map((one) => one.field));
    expect(both(EmbedRequestSchema, { model: "m" }).rest).toEqual([{ field: "input", description: "is required" }]);
    expect(both(EmbedRequestSchema, { model: "m" }).grpc).toHaveLength(1);
  });
});

/** A path of the message as a path of the JSON: the cases of a oneof, and what holds a bare list, have no place in it. */
function inJson(field: string): string {
  const cases: Record<string, string> = { texts: "prompt", text: "input", parts: "content" };
  return field.replace(/(texts|parts)\.\1$/, "$1").replace(/(?<![a-z_])(texts|text|parts)$/, (name) => cases[name]!);
}

describe("a REST request", () => {
  it("is told of every problem at once", () => {
    expect(broken({ n: 0, temperature: 3, messages: [{ role: "critic" }] })).toEqual([
      { field: "messages[0].role", description: "must be one of system, developer, user, assistant, tool, function" },
      { field: "temperature", description: "must be greater than or equal to 0 and less than or equal to 2" },
      { field: "n", description: "must be greater than or equal to 1 and less than or equal to 128" },
    ]);
  });

  it.each<[JsonObject, string, string]>([
    [{ temperature: "hot" }, "temperature", "must be a number"],
    [{ n: 1.5 }, "n", "must be an integer"],
    [{ logprobs: 1 }, "logprobs", "must be true or false"],
    [{ messages: "Hello" }, "messages", "must be a list"],
    [{ messages: ["Hello"] }, "messages[0]", "must be an object"],
    [{ messages: [null] }, "messages[0]", "must be an object"],
    [{ messages: [{ role: "user", content: 5 }] }, "messages[0].content", "must be a string or a list of objects"],
    [{ stop: 5 }, "stop", "must be a list"],
    [{ stop: ["a", 5] }, "stop[1]", "must be a string"],
    [{ logit_bias: [] }, "logit_bias", "must be an object"],
    [{ metadata: { a: 1 } }, 'metadata["a"]', "must be a string"],
    [{ tools: [{ type: "function", function: {} }] }, "tools[0].function.name", "is required"],
  ])("needs the right JSON types: %j", (json, field, description) => {
    expect(broken(json)).toEqual([{ field, description }]);
  });

  it.each<[JsonObject]>([
    [{ temperature: null, stop: null, tools: null }],
    [{ stop: "end" }],
    [{ reasoning_effort: "ultra", service_tier: "turbo", tool_choice: "any" }],
    [{ response_format: { type: "grammar", grammar: "g" } }],
    [{ tools: [{ type: "retrieval", retrieval: { id: 5 } }] }],
    [{ messages: [{ role: "user", content: [{ type: "video_url", video_url: 5 }], cache: true }] }],
    [JSON.parse('{"top_k": "many", "__proto__": {"n": 0}}') as JsonObject],
  ])("may say what only the provider knows: %j", (json) => {
    expect(broken(json)).toEqual([]);
  });
});
