import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { legacyReply } from "./legacy.ts";
import { modernEvent, modernReply } from "./modern.ts";

const CHAT: JsonObject = {
  id: "chatcmpl-abc123",
  object: "chat.completion",
  created: 1677858242,
  model: "gpt-3.5-turbo",
  system_fingerprint: "fp_1",
  choices: [
    { index: 0, message: { role: "assistant", content: "\n\nThis is a test!" }, logprobs: null, finish_reason: "stop" },
  ],
  usage: { prompt_tokens: 13, completion_tokens: 7, total_tokens: 20 },
};
const TEXT: JsonObject = {
  id: "cmpl-abc123",
  object: "text_completion",
  created: 1589478378,
  model: "gpt-3.5-turbo",
  choices: [{ text: "\n\nThis is indeed a test", index: 0, logprobs: null, finish_reason: "length" }],
  usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
};
const VECTORS: JsonObject = {
  object: "list",
  data: [
    { object: "embedding", embedding: [0.1, 0.2, 0.3], index: 0 },
    { object: "embedding", embedding: [1.1, 0.2, 0.3], index: 1 },
  ],
  model: "text-embedding-ada-002",
  usage: { prompt_tokens: 8, total_tokens: 8 },
};

function captured(version: string, name: string): string {
  const file = new URL(`../../../test/golden/fixtures/mlflow-${version}.json`, import.meta.url);
  const cases = JSON.parse(readFileSync(file, "utf8")) as { name: string; body: string }[];
  return cases.find((one) => one.name === name)!.body;
}

describe("an answer is, byte for byte, what was captured", () => {
  it.each([
    ["chat", CHAT, "inv.chat.min"],
    ["completions", TEXT, "inv.completions.min"],
    ["embeddings", VECTORS, "inv.embeddings.list"],
  ] as const)("from MLflow 2.22.5 for %s", (op, json, name) => {
    expect(JSON.stringify(modernReply(op, json))).toBe(captured("2.22.5", name));
  });

  it.each([
    ["chat", CHAT, "inv.chat.min"],
    ["embeddings", VECTORS, "inv.embeddings.list"],
  ] as const)("from MLflow 2.8.1 for %s", (op, json, name) => {
    expect(JSON.stringify(legacyReply(op, json))).toBe(captured("2.8.1", name));
  });

  it("from MLflow 2.8.1 for completions, less what MLflow asks another path for", () => {
    const json = { ...TEXT, choices: [{ text: "\n\nThis is a test!", finish_reason: "stop" }], usage: CHAT["usage"]! };
    expect(JSON.stringify(legacyReply("completions", json))).toBe(captured("2.8.1", "inv.completions.min"));
  });

  it("from MLflow 2.22.5 for a stream", () => {
    const head = {
      id: "chatcmpl-abc123",
      object: "chat.completion.chunk",
      created: 1677858242,
      model: "gpt-3.5-turbo",
    };
    const events = [{ role: "assistant", content: "" }, { content: "Hello" }, { content: " world é" }, {}].map(
      (delta, at) => ({
        ...head,
        system_fingerprint: "fp_1",
        choices: [{ index: 0, delta, logprobs: null, finish_reason: at === 3 ? "stop" : null }],
      }),
    );
    const told = events.map((event) => `data: ${JSON.stringify(modernEvent("chat", event))}\n\n`).join("");
    expect(told).toBe(captured("2.22.5", "inv.chat.stream"));
  });
});

describe("what MLflow loses is kept, after what MLflow has", () => {
  it("tool calls, reasoning and log probabilities of an answer", () => {
    const call = { id: "c1", type: "function", function: { name: "f", arguments: "{}" } };
    const message = { role: "assistant", content: null, tool_calls: [call], reasoning_content: "hm", annotations: [] };
    const json = { ...CHAT, choices: [{ index: 0, message, logprobs: { content: [] }, finish_reason: "tool_calls" }] };
    expect(modernReply("chat", json)["choices"]).toEqual([
      {
        index: 0,
        message: { role: "assistant", content: null, tool_calls: [call], refusal: null, reasoning_content: "hm" },
        finish_reason: "tool_calls",
        logprobs: { content: [] },
      },
    ]);
    expect(legacyReply("chat", json)["candidates"]).toEqual([
      { message: { role: "assistant", content: null, tool_calls: [call] }, metadata: { finish_reason: "tool_calls" } },
    ]);
  });

  it("tool calls and usage of a stream", () => {
    const tool_calls = [{ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "{" } }];
    const event = {
      id: "x",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta: { tool_calls }, finish_reason: null }],
    };
    expect(modernEvent("chat", event)["choices"]).toEqual([
      { index: 0, finish_reason: null, delta: { role: null, content: null, tool_calls } },
    ]);
    expect(modernEvent("chat", { id: "x", choices: [], usage: { total_tokens: 3 } })).toMatchObject({
      choices: [],
      usage: { total_tokens: 3 },
    });
  });
});

it("writes null where the provider said nothing, and does not fail on it", () => {
  expect(modernReply("chat", { choices: [{}] })).toEqual({
    id: null,
    object: "chat.completion",
    created: null,
    model: null,
    choices: [
      { index: 0, message: { role: "assistant", content: null, tool_calls: null, refusal: null }, finish_reason: null },
    ],
    usage: { prompt_tokens: null, completion_tokens: null, total_tokens: null },
  });
  expect(legacyReply("completions", { model: "m", choices: [{ text: "x" }] })).toEqual({
    candidates: [{ text: "x", metadata: {} }],
    metadata: {
      input_tokens: null,
      output_tokens: null,
      total_tokens: null,
      model: "m",
      route_type: "llm/v1/completions",
    },
  });
});

it("takes nothing for an answer that lists none", () => {
  for (const reply of [modernReply, legacyReply]) {
    for (const op of ["chat", "completions", "embeddings"] as const) {
      expect(() => reply(op, { id: "x" })).toThrow(/^The provider's answer has no list of (choices|data)\.$/);
    }
  }
});
