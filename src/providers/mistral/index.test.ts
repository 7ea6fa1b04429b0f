import { describe, expect, it } from "vitest";
import { answered, opened } from "../../../test/support/provider-contract.ts";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";
import { callId } from "./messages.ts";

const MODEL = "mistral-large-latest";
const send = (json: JsonObject, asking: Partial<Asking> = {}) =>
  sentBy(provider as Provider<never>, { mistral_api_key: "mis-key" }, { model: MODEL, json, ...asking });
const user = (content: string) => [{ role: "user", content }];

/** What a function takes that stands for a tool of free text. */
const INPUT = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };

describe("a chat with Mistral", () => {
  it("has no parts of Anthropic's, which are told as dropped", async () => {
    const found = {
      type: "search_result",
      source: "https://e.example",
      title: "t",
      content: [{ type: "text", text: "a" }],
    };
    const json = { messages: [{ role: "user", content: [{ type: "text", text: "hi" }, found] }] };
    const sent = await send(json, { by: "anthropic" });
    expect(sent.json["messages"]).toEqual([{ role: "user", content: [{ type: "text", text: "hi" }] }]);
    expect(sent.adjusted).toEqual({ dropped: ["messages[0].content[1]"] });
  });

  it("has Mistral's names, and nothing that it would refuse", async () => {
    const json = {
      messages: user("hi"),
      temperature: 1,
      max_completion_tokens: 64,
      seed: 7,
      n: 2,
      stop: "END",
      tool_choice: "required",
      tools: [
        { type: "function", function: { name: "f", strict: true } },
        { type: "custom", custom: { name: "c" } },
        { type: "web_search" },
      ],
      logit_bias: { 1: 1 },
      logprobs: true,
      user: "ann",
      top_k: 4,
      safe_prompt: true,
      prompt_mode: "reasoning",
      prediction: { type: "content", content: "x" },
      stream_options: { include_usage: true },
    };
    expect(await send(json, { stream: true })).toEqual({
      origin: "https://api.mistral.ai",
      path: "/v1/chat/completions",
      headers: ["content-type", "application/json", "accept-encoding", "identity", "authorization", "Bearer mis-key"],
      json: {
        model: MODEL,
        messages: user("hi"),
        temperature: 0.75,
        max_tokens: 64,
        stop: ["END"],
        random_seed: 7,
        n: 2,
        tools: [
          { type: "function", function: { name: "f", parameters: { type: "object", properties: {} }, strict: true } },
          { type: "function", function: { name: "c", parameters: INPUT } },
          { type: "web_search" },
        ],
        tool_choice: "any",
        prediction: { type: "content", content: "x" },
        stream: true,
        safe_prompt: true,
        prompt_mode: "reasoning",
      },
      adjusted: { converted: ["temperature", "tools[1]"], dropped: ["top_k", "logit_bias", "logprobs", "user"] },
    });
  });

  it("takes a conversation with calls, results, files, sound and thoughts", async () => {
    const thought = { type: "reasoning.text", format: "mistral", model: MODEL, text: "Hm.", signature: "s" };
    const messages = [
      { role: "developer", content: "Be brief." },
      {
        role: "user",
        name: "ann",
        content: [
          { type: "text", text: "see", cache_control: { type: "ephemeral" } },
          { type: "image_url", image_url: { url: "https://a/b.png" } },
          { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA==" } },
          { type: "file", file: { file_id: "f1" } },
          { type: "input_audio", input_audio: { data: "AA==", format: "wav" } },
          { type: "document_url", document_url: "https://a/b.pdf" },
        ],
      },
      {
        role: "assistant",
        content: "So.",
        reasoning: "Hm.",
        reasoning_details: [thought, { ...thought, model: "another" }],
        tool_calls: [{ id: "call_abc", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "call_abc", name: "f", content: "42", is_error: true },
    ];
    const { json, adjusted } = await send({ messages });
    const id = callId("call_abc");
    expect(id).toMatch(/^[a-z0-9]{9}$/);
    expect(json["messages"]).toEqual([
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "see" },
          { type: "image_url", image_url: { url: "https://a/b.png" } },
          { type: "document_url", document_url: "data:application/pdf;base64,AA==", document_name: "a.pdf" },
          { type: "file", file_id: "f1" },
          { type: "input_audio", input_audio: "AA==" },
          { type: "document_url", document_url: "https://a/b.pdf" },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "Hm." }], signature: "s", closed: true },
          { type: "text", text: "So." },
        ],
        tool_calls: [{ type: "function", function: { name: "f", arguments: "{}" }, id }],
      },
      { role: "tool", content: "42", tool_call_id: id, name: "f" },
    ]);
    expect(adjusted).toEqual({
      converted: ["messages[0].role", "messages[1].content[4].input_audio"],
      dropped: [
        "messages[1].content[0].cache_control",
        "messages[1].name",
        "messages[2].reasoning_details",
        "messages[3].is_error",
      ],
    });
  });

  it("keeps ids that Mistral gave", () => {
    expect(callId("D681PevKs")).toBe("D681PevKs");
    expect(callId("call_abc")).toBe(callId("call_abc"));
    expect(callId("call_abc")).not.toBe(callId("call_abd"));
  });

  it.each([
    [{ reasoning_effort: "high" }, "high", {}],
    [{ thinking: { type: "enabled", budget_tokens: 5 } }, "high", { converted: ["thinking"] }],
    [{ thinking: { type: "disabled" } }, "none", { converted: ["thinking"] }],
  ])("says how much to think: %j", async (asked, effort, adjusted) => {
    const sent = await send({ messages: user("hi"), ...asked });
    expect(sent.json["reasoning_effort"]).toBe(effort);
    expect(sent.json).not.toHaveProperty("thinking");
    expect(sent.adjusted).toEqual(adjusted);
  });
});

describe("Mistral for MLflow's callers", () => {
  const asked = { temperature: 0.5, n: 1, stop: ["END"], max_tokens: 64 };

  it("chats as MLflow does", async () => {
    const { path, json } = await send({ ...asked, messages: user("hello") }, { by: "modern" });
    expect(path).toBe("/v1/chat/completions");
    expect(json).toEqual({ model: MODEL, ...asked, messages: user("hello") });
  });

  it("completes as MLflow does, but for its loss of the stop texts", async () => {
    const { path, json } = await send({ ...asked, prompt: "hello" }, { op: "completions", by: "modern" });
    expect(path).toBe("/v1/chat/completions");
    expect(json).toEqual({ model: MODEL, temperature: 0.25, max_tokens: 64, stop: ["END"], messages: user("hello") });
  });
});

it("embeds with Mistral's names", async () => {
  const json = { input: ["a", "b"], dimensions: 256, encoding_format: "base64", user: "ann", output_dtype: "float" };
  expect(await send(json, { op: "embeddings", model: "codestral-embed" })).toMatchObject({
    path: "/v1/embeddings",
    json: {
      model: "codestral-embed",
      input: ["a", "b"],
      output_dimension: 256,
      encoding_format: "base64",
      output_dtype: "float",
    },
    adjusted: { dropped: ["user"] },
  });
});

it("reads calls without a type and cached tokens as OpenAI tells them", async () => {
  const contract = { settings: { mistral_api_key: "mis-key" }, model: MODEL, cases: [], faults: [] };
  const file = () => Buffer.alloc(0);
  const upstream = opened({ kind: "mistral", provider: provider as Provider<unknown>, contract, file });
  const call = { id: "D681PevKs", function: { name: "f", arguments: { a: 1 } }, index: 0 };
  const message = { role: "assistant", content: "", tool_calls: [call] };
  const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10, num_cached_tokens: 8 };
  const bytes = JSON.stringify({ id: "x", choices: [{ index: 0, message, finish_reason: "tool_calls" }], usage });
  const how = { op: "chat", model: MODEL, request: { messages: user("hi") } } as const;
  const { told } = await answered(upstream, how, Buffer.from(bytes), { stream: false });
  expect(JSON.parse(told[0]!.slice(6))).toMatchObject({
    choices: [{ message: { tool_calls: [{ type: "function", function: { name: "f", arguments: '{"a":1}' } }] } }],
    usage: { prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 8 } },
  });
});
