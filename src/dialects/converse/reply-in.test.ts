import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StreamListener } from "../../core/sse.ts";
import { finishOf } from "./finish.ts";
import { converseReply } from "./reply-in.ts";
import { converseEvents } from "./stream-in.ts";

const HEAD = { id: "req-1", created: 7, model: "m" };

function reply(content: Json[], more: JsonObject = {}) {
  return converseReply({ output: { message: { role: "assistant", content } }, stopReason: "end_turn", ...more }, HEAD);
}

function events(told: readonly (readonly [type: string, json: JsonObject])[]) {
  const heard: JsonObject[] = [];
  const on = { onEvent: (json: JsonObject) => heard.push(json) } as unknown as StreamListener;
  const each = converseEvents(on, HEAD);
  for (const [type, json] of told) each(type, json);
  return heard;
}

describe("an answer of Converse's", () => {
  it("is the common shape's, with what else it tells beside it", () => {
    const trace = { guardrail: { actionReason: "No action." } };
    const usage = {
      inputTokens: 1,
      outputTokens: 2,
      totalTokens: 15,
      cacheReadInputTokens: 4,
      cacheWriteInputTokens: 8,
    };
    const additionalModelResponseFields = { stop_sequence: "END" };
    const more = {
      stopReason: "stop_sequence",
      usage,
      trace,
      serviceTier: { type: "flex" },
      additionalModelResponseFields,
    };
    expect(reply([{ text: "Hi" }, { text: "." }], more)).toEqual({
      id: "req-1",
      object: "chat.completion",
      created: 7,
      model: "m",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hi." },
          finish_reason: "stop",
          native_finish_reason: "stop_sequence",
          stop_sequence: "END",
        },
      ],
      usage: {
        prompt_tokens: 13,
        completion_tokens: 2,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 8 },
      },
      service_tier: "flex",
      trace,
      additionalModelResponseFields,
    });
  });

  it("keeps sources, and blocks that it has no place for", () => {
    const citation = { title: "Doc", location: { documentPage: { documentIndex: 0, start: 1, end: 2 } } };
    const image = { format: "png", source: { bytes: "AA==" } };
    const own = { toolUse: { toolUseId: "s", name: "nova_code_interpreter", input: {}, type: "server_tool_use" } };
    const made = reply([
      { citationsContent: { content: [{ text: "It rains." }], citations: [citation] } },
      { image },
      own,
    ]);
    expect((made["choices"] as JsonObject[])[0]!["message"]).toEqual({
      role: "assistant",
      content: "It rains.",
      annotations: [{ type: "citation", citation }],
      images: [{ type: "image_url", image_url: { url: "data:image/png;base64,AA==" } }],
      blocks: [own],
    });
  });

  it("is none without a message", () => {
    for (const output of [undefined, {}, { message: {} }]) {
      expect(() => converseReply({ output, stopReason: "end_turn" }, HEAD)).toThrow("without a message");
    }
  });

  it.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["tool_use", "tool_calls"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["guardrail_intervened", "content_filter"],
    ["content_filtered", "content_filter"],
    ["malformed_tool_use", "stop"],
    ["toString", "stop"],
  ])("that ended for %s ended for %s", (native, finish) => {
    expect(finishOf(native)).toBe(finish);
  });
});

describe("a stream of Converse's", () => {
  it("has calls at once, one after another, each under its place, and arguments for those without any", () => {
    const start = (contentBlockIndex: number, toolUseId: string) =>
      ["contentBlockStart", { contentBlockIndex, start: { toolUse: { toolUseId, name: "f" } } }] as const;
    const input = (contentBlockIndex: number, text: string) =>
      ["contentBlockDelta", { contentBlockIndex, delta: { toolUse: { input: text } } }] as const;
    const stop = (contentBlockIndex: number) => ["contentBlockStop", { contentBlockIndex }] as const;
    const heard = events([
      start(1, "a"),
      start(3, "b"),
      input(3, '{"x"'),
      input(1, ""),
      input(3, ":1}"),
      stop(1),
      stop(3),
    ]);
    const calls = heard.flatMap(({ choices }) => ((choices as JsonObject[])[0]!["delta"] as JsonObject)["tool_calls"]);
    expect(calls).toEqual([
      { index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } },
      { index: 1, id: "b", type: "function", function: { name: "f", arguments: "" } },
      { index: 1, function: { arguments: '{"x"' } },
      { index: 1, function: { arguments: ":1}" } },
      { index: 0, function: { arguments: "{}" } },
    ]);
  });

  it("passes over what it does not know, and what the provider runs itself", () => {
    const toolUse = { toolUseId: "s", name: "x", type: "server_tool_use" };
    expect(
      events([
        ["somethingNew", { a: 1 }],
        ["contentBlockStart", { contentBlockIndex: 0, start: { toolUse } }],
        ["contentBlockDelta", { contentBlockIndex: 0, delta: { toolUse: { input: "{}" } } }],
        ["contentBlockStart", { contentBlockIndex: 1, start: { image: { format: "png" } } }],
        ["contentBlockDelta", { contentBlockIndex: 1, delta: { image: {} } }],
        ["contentBlockStop", { contentBlockIndex: 0 }],
        ["contentBlockStop", { contentBlockIndex: 1 }],
      ]),
    ).toEqual([]);
  });

  it("tells encrypted thoughts once they are whole, with or without their stop", () => {
    const sealed = (contentBlockIndex: number, redactedContent: string) =>
      ["contentBlockDelta", { contentBlockIndex, delta: { reasoningContent: { redactedContent } } }] as const;
    const heard = events([
      sealed(0, "c2Vj"),
      sealed(0, "cg=="),
      ["contentBlockStop", { contentBlockIndex: 0 }],
      sealed(1, "ZXQ="),
      ["messageStop", { stopReason: "end_turn" }],
    ]);
    const details = heard.flatMap(
      ({ choices }) => ((choices as JsonObject[])[0]!["delta"] as JsonObject)["reasoning_details"] ?? [],
    );
    expect(details).toEqual([
      { type: "reasoning.encrypted", format: "bedrock", model: "m", index: 0, data: "c2Vjcg==" },
      { type: "reasoning.encrypted", format: "bedrock", model: "m", index: 1, data: "ZXQ=" },
    ]);
  });

  it("tells a picture once it is whole", () => {
    const bytes = (text: string) =>
      ["contentBlockDelta", { contentBlockIndex: 2, delta: { image: { source: { bytes: text } } } }] as const;
    const start = ["contentBlockStart", { contentBlockIndex: 2, start: { image: { format: "png" } } }] as const;
    const heard = events([start, bytes("AA=="), bytes("AQI="), ["contentBlockStop", { contentBlockIndex: 2 }]]);
    expect(heard.map(({ choices }) => (choices as JsonObject[])[0]!["delta"])).toEqual([
      { images: [{ index: 0, type: "image_url", image_url: { url: "data:image/png;base64,AAEC" } }] },
    ]);
  });

  it("tells the trace with the usage", () => {
    const usage = { inputTokens: 1, outputTokens: 2, totalTokens: 3 };
    expect(events([["metadata", { usage, metrics: { latencyMs: 1 }, trace: { guardrail: {} } }]])).toEqual([
      expect.objectContaining({
        choices: [],
        usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
        trace: { guardrail: {} },
      }),
    ]);
  });
});
