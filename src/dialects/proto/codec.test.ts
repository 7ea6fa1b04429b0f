import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  ReasoningEffort,
  Role,
  StreamChatResponseSchema,
  ToolMode,
} from "../../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema, CompleteResponseSchema } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema, EmbedResponseSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import { FinishReason } from "../../../gen/polygate/v1/types_pb.js";
import type { JsonObject } from "../../core/json.ts";
import { codec } from "./codec.ts";

const request = codec(ChatRequestSchema);
const reply = codec(ChatResponseSchema);
const piece = codec(StreamChatResponseSchema);

describe("a chat request", () => {
  it("becomes OpenAI's JSON, with nothing that was not set", () => {
    const message = create(ChatRequestSchema, {
      model: "chat",
      messages: [
        { role: Role.DEVELOPER, content: { case: "text", value: "Be brief." } },
        {
          role: Role.USER,
          content: {
            case: "parts",
            value: {
              parts: [
                { type: { case: "text", value: "What is this?" } },
                { type: { case: "imageUrl", value: { url: "data:,", extra: { hint: 1 } } } },
                { extra: { type: "video_url", video_url: { url: "v" } } },
              ],
            },
          },
        },
        {
          role: Role.ASSISTANT,
          toolCalls: [{ id: "c1", type: { case: "function", value: { name: "look", arguments: "{}" } } }],
        },
        { role: Role.TOOL, toolCallId: "c1", content: { case: "text", value: "" } },
      ],
      temperature: 0,
      seed: 7n,
      stop: ["a"],
      logitBias: { "50256": -100 },
      toolChoice: { case: "toolMode", value: ToolMode.REQUIRED },
      reasoningEffort: ReasoningEffort.HIGH,
      extra: { top_k: 40, temperature: 2, stream: true },
    });
    expect(request.toCommon(message)).toEqual({
      model: "chat",
      messages: [
        { role: "developer", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image_url", image_url: { url: "data:,", hint: 1 } },
            { type: "video_url", video_url: { url: "v" } },
          ],
        },
        {
          role: "assistant",
          tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "c1", content: "" },
      ],
      temperature: 0,
      seed: 7,
      stop: ["a"],
      logit_bias: { "50256": -100 },
      tool_choice: "required",
      reasoning_effort: "high",
      top_k: 40,
    });
  });

  it("keeps a tool's nested schema as it was, over the wire too", () => {
    const parameters = {
      type: "object",
      properties: {
        place: {
          type: "object",
          properties: { city: { type: "string", enum: ["Aachen", "Zürich"] } },
          required: ["city"],
        },
        days: { type: "array", items: { anyOf: [{ type: "integer", minimum: 0 }, { type: "null" }] } },
      },
      additionalProperties: false,
    };
    const json = {
      model: "chat",
      messages: [{ role: "user", content: "Weather?" }],
      tools: [{ type: "function", function: { name: "weather", strict: true, parameters } }],
      tool_choice: { type: "function", function: { name: "weather" } },
    };
    const sent = toBinary(ChatRequestSchema, request.fromCommon(json));
    expect(request.toCommon(fromBinary(ChatRequestSchema, sent))).toEqual(json);
  });

  it("takes what OpenAI's sets do not know yet through `extra`", () => {
    const json = { model: "m", reasoning_effort: "ultra", tool_choice: "any", response_format: { type: "grammar" } };
    const message = request.fromCommon(json);
    expect(message.reasoningEffort).toBe(ReasoningEffort.UNSPECIFIED);
    expect(message.extra).toEqual({ reasoning_effort: "ultra", tool_choice: "any" });
    expect(request.toCommon(message)).toEqual(json);
  });

  it("reads one string where a list of them may stand", () => {
    expect(request.fromCommon({ model: "m", stop: "end" }).stop).toEqual(["end"]);
  });

  it("lets no caller set `stream` behind the method's back", () => {
    expect(request.fromCommon({ model: "m", stream: true }).extra).toBeUndefined();
    expect(request.toCommon(create(ChatRequestSchema, { model: "m", extra: { stream: true } }))).toEqual({
      model: "m",
    });
  });
});

describe("a prompt or an input", () => {
  it.each([
    ["text", "go on"],
    ["texts", ["a", "b"]],
    ["tokens", [1, 2, 3]],
    ["tokenLists", [[1], [2, 3]]],
  ])("is told apart by its JSON type: %s", (name, value) => {
    const complete = codec(CompleteRequestSchema).fromCommon({ model: "m", prompt: value });
    expect(complete.prompt.case).toBe(name);
    expect(codec(CompleteRequestSchema).toCommon(complete)).toEqual({ model: "m", prompt: value });
    const embed = codec(EmbedRequestSchema).fromCommon({ model: "m", input: value });
    expect(embed.input.case).toBe(name);
    expect(codec(EmbedRequestSchema).toCommon(embed)).toEqual({ model: "m", input: value });
  });
});

describe("a chat reply", () => {
  it("is typed where it is known, and kept in `extra` where not", () => {
    const message = reply.fromCommon({
      id: "r1",
      object: "chat.completion",
      created: 1731000000,
      model: "m",
      choices: [
        {
          index: 0,
          finish_reason: "tool_calls",
          logprobs: null,
          message: { role: "assistant", content: null, refusal: null, reasoning_content: "Hm.", annotations: [] },
        },
      ],
      usage: { prompt_tokens: 1, total_tokens: 1, prompt_tokens_details: { cached_tokens: 0 }, cost: 0.5 },
      x_groq: { id: "g" },
    });
    expect(message).toMatchObject({
      id: "r1",
      created: 1731000000n,
      choices: [{ index: 0, finishReason: FinishReason.TOOL_CALLS }],
      usage: { promptTokens: 1, promptTokensDetails: { cachedTokens: 0 }, extra: { cost: 0.5 } },
      extra: { x_groq: { id: "g" } },
    });
    expect(message.usage?.completionTokens).toBeUndefined();
    expect(message.choices[0]?.message).toMatchObject({
      role: Role.ASSISTANT,
      content: { case: undefined },
      reasoning: "Hm.",
    });
    expect(message.choices[0]?.message?.extra).toEqual({ annotations: [] });
  });

  it("keeps a value that does not fit its field under the field's name", () => {
    const json = {
      id: 7,
      created: 1.5,
      model: "m",
      choices: [{ index: "0", finish_reason: "eos", message: { role: "model", content: { odd: true } } }],
      usage: { prompt_tokens: "12", completion_tokens: 2.5, total_tokens: 4294967296 },
    };
    const message = reply.fromCommon(json);
    expect(message.choices[0]).toMatchObject({
      finishReason: FinishReason.UNSPECIFIED,
      extra: { finish_reason: "eos", index: "0" },
    });
    expect(reply.toCommon(message)).toEqual({ object: "chat.completion", ...json });
    expect(() => toBinary(ChatResponseSchema, message)).not.toThrow();
  });

  it("lets no provider say who served the call", () => {
    const message = reply.fromCommon({ id: "r", served: { route: "forged" } });
    expect(message.served).toBeUndefined();
    expect(message.extra).toBeUndefined();
    expect(reply.toCommon(create(ChatResponseSchema, { served: { route: "real" } }))).not.toHaveProperty("served");
  });

  it("keeps `__proto__` as a member and never as a prototype", () => {
    const json = JSON.parse(
      '{"id":"r","model":"m","created":0,"__proto__":{"polluted":1},"constructor":2}',
    ) as JsonObject;
    const message = reply.fromCommon(json);
    expect(Object.getPrototypeOf(message.extra)).toBe(Object.prototype);
    expect((message as unknown as JsonObject)["polluted"]).toBeUndefined();
    const back = reply.toCommon(fromBinary(ChatResponseSchema, toBinary(ChatResponseSchema, message)));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.getOwnPropertyDescriptor(back, "__proto__")?.value).toEqual({ polluted: 1 });
    expect(back["constructor"]).toBe(2);
  });

  it("drops what no Struct can carry to a caller, and keeps the rest", () => {
    const nest = (levels: number): JsonObject => (levels === 1 ? { end: 1 } : { in: nest(levels - 1) });
    const json = { id: "r", deep: nest(29), huge: JSON.parse("[1e999]"), fine: nest(28) } as JsonObject;
    const message = reply.fromCommon(json);
    expect(Object.keys(message.extra ?? {})).toEqual(["fine"]);
    expect(fromBinary(ChatResponseSchema, toBinary(ChatResponseSchema, message))).toEqual(message);
  });
});

describe("a stream's piece", () => {
  it("carries deltas of text and of tool calls", () => {
    const json = {
      object: "chat.completion.chunk",
      id: "s",
      created: 1,
      model: "m",
      choices: [
        { index: 0, delta: { role: "assistant", content: "" } },
        {
          index: 1,
          delta: { tool_calls: [{ index: 0, id: "c", type: "function", function: { name: "f", arguments: "" } }] },
        },
        {
          index: 1,
          delta: { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] },
          finish_reason: "tool_calls",
        },
      ],
    };
    const message = piece.fromCommon(json);
    expect(message.choices[0]?.delta).toMatchObject({ role: Role.ASSISTANT, content: "" });
    expect(message.choices[2]?.delta?.toolCalls[0]).toMatchObject({ index: 0, function: { arguments: '{"a"' } });
    expect(message.choices[2]?.delta?.toolCalls[0]?.id).toBeUndefined();
    expect(piece.toCommon(message)).toEqual(json);
  });

  it("reads `null` as absent", () => {
    const message = piece.fromCommon({ id: "s", choices: [{ index: 0, delta: {}, finish_reason: null }], usage: null });
    expect(message.usage).toBeUndefined();
    expect(message.extra).toBeUndefined();
    expect(message.choices[0]).toMatchObject({ finishReason: FinishReason.UNSPECIFIED });
  });
});

describe("lists of numbers", () => {
  it("gives vectors from numbers and from base64 alike", () => {
    const floats = [0.5, -1, 3.25];
    const base64 = Buffer.from(new Float32Array(floats).buffer).toString("base64");
    const read = (embedding: number[] | string) =>
      codec(EmbedResponseSchema).fromCommon({ object: "list", data: [{ object: "embedding", index: 0, embedding }] });
    expect(read(floats).data[0]?.embedding).toEqual(floats);
    expect(read(base64).data[0]?.embedding).toEqual(floats);
  });

  it("keeps a vector of another encoding as it came", () => {
    const read = (embedding: string) =>
      codec(EmbedResponseSchema).fromCommon({ data: [{ index: 0, embedding }] }).data[0];
    expect(read("AAA=")).toMatchObject({ embedding: [], extra: { embedding: "AAA=" } });
    expect(read("not base64!")).toMatchObject({ embedding: [], extra: { embedding: "not base64!" } });
  });

  it("holds a place without a log probability with NaN", () => {
    const logprobs = {
      tokens: ["a", "b"],
      token_logprobs: [null, -1],
      top_logprobs: [null, { b: -1 }],
      text_offset: [0, 1],
    };
    const message = codec(CompleteResponseSchema).fromCommon({ choices: [{ index: 0, text: "ab", logprobs }] });
    expect(message.choices[0]?.logprobs?.tokenLogprobs).toEqual([Number.NaN, -1]);
    expect(codec(CompleteResponseSchema).toCommon(message)).toMatchObject({
      choices: [{ logprobs: { ...logprobs, top_logprobs: [{}, { b: -1 }] } }],
    });
  });
});
