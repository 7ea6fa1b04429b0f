import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answered, opened } from "../../../test/support/provider-contract.ts";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";

const SETTINGS = { cohere_api_key: "co-key" };
const HEADERS = ["content-type", "application/json", "accept-encoding", "identity", "authorization", "Bearer co-key"];
const send = (json: JsonObject, asking: Partial<Asking> = {}) =>
  sentBy(provider as Provider<never>, SETTINGS, { model: "command-a-03-2025", json, ...asking });
const user = (content: string) => [{ role: "user", content }];

describe("a chat with Cohere", () => {
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

  it("goes to v2 with Cohere's names and range of temperatures", async () => {
    const json = {
      messages: user("hi"),
      temperature: 1,
      top_p: 0.9,
      top_k: 40,
      max_completion_tokens: 64,
      max_tokens: 5,
      stop: "END",
      seed: 7,
      presence_penalty: 1,
      frequency_penalty: -1,
      logprobs: true,
      user: "ann",
      n: 1,
      documents: ["a text"],
      citation_options: { mode: "accurate" },
      safety_mode: "STRICT",
    };
    expect(await send(json, { stream: true })).toEqual({
      origin: "https://api.cohere.com",
      path: "/v2/chat",
      headers: HEADERS,
      json: {
        model: "command-a-03-2025",
        messages: user("hi"),
        temperature: 0.5,
        p: 0.9,
        k: 40,
        max_tokens: 64,
        stop_sequences: ["END"],
        seed: 7,
        presence_penalty: 0.5,
        logprobs: true,
        stream: true,
        documents: ["a text"],
        citation_options: { mode: "accurate" },
        safety_mode: "STRICT",
      },
      adjusted: { converted: ["temperature", "presence_penalty"], dropped: ["frequency_penalty", "user"] },
    });
  });

  it("follows the base, with its path", async () => {
    const at = { ...SETTINGS, base_url: "http://127.0.0.1:1/co/" };
    const asking = { model: "m", json: { messages: user("hi") } };
    expect(await sentBy(provider as Provider<never>, at, asking)).toMatchObject({
      origin: "http://127.0.0.1:1",
      path: "/co/v2/chat",
    });
  });

  it("takes a conversation with calls, results, pictures and what the model thought", async () => {
    const call = { id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } };
    const mine = { type: "reasoning.text", format: "cohere", model: "command-a-03-2025", text: "I will call f." };
    const messages = [
      { role: "developer", content: "Be brief." },
      {
        role: "user",
        name: "ann",
        content: [
          { type: "text", text: "see", cache_control: { type: "ephemeral" } },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==", detail: "low" } },
          { type: "file", file: { file_id: "f1" } },
          { type: "document", document: { id: "d", data: { text: "t" } } },
        ],
      },
      {
        role: "assistant",
        content: null,
        reasoning: "I will call f.",
        reasoning_details: [{ ...mine, source: "tool_plan" }],
        tool_calls: [call],
      },
      { role: "tool", tool_call_id: "c1", content: "42", is_error: true },
      {
        role: "assistant",
        content: "It is 42.",
        reasoning_details: [
          { ...mine, source: "thinking" },
          { ...mine, format: "anthropic" },
        ],
        annotations: [{ type: "citation", citation: { start: 6, end: 8, text: "42", sources: [] } }],
      },
    ];
    const { json, adjusted } = await send({ messages });
    expect(json["messages"]).toEqual([
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "see" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==", detail: "low" } },
          { type: "document", document: { id: "d", data: { text: "t" } } },
        ],
      },
      { role: "assistant", tool_plan: "I will call f.", tool_calls: [call] },
      { role: "tool", tool_call_id: "c1", content: "42" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "I will call f." },
          { type: "text", text: "It is 42." },
        ],
        citations: [{ start: 6, end: 8, text: "42", sources: [] }],
      },
    ]);
    expect(adjusted).toEqual({
      converted: ["messages[0].role"],
      dropped: [
        "messages[1].name",
        "messages[1].content[0].cache_control",
        "messages[1].content[2]",
        "messages[3].is_error",
        "messages[4].reasoning_details",
      ],
    });
  });

  const tool = (name: string, strict?: boolean) => ({
    type: "function",
    function: { name, parameters: { type: "object", properties: {} }, ...(strict !== undefined && { strict }) },
  });
  it.each([
    ["auto", {}, {}],
    ["none", { tool_choice: "NONE" }, {}],
    ["required", { tool_choice: "REQUIRED" }, {}],
    [
      { type: "function", function: { name: "g" } },
      { tools: [tool("g")], tool_choice: "REQUIRED" },
      { converted: ["tool_choice"] },
    ],
  ])("says which tools are to be used: %j", async (tool_choice, more, adjusted) => {
    const sent = await send({ messages: user("hi"), tools: [tool("f"), tool("g")], tool_choice });
    expect(sent.json).toEqual({
      model: "command-a-03-2025",
      messages: user("hi"),
      tools: [tool("f"), tool("g")],
      ...more,
    });
    expect(sent.adjusted).toEqual(adjusted);
  });

  it("is strict with all tools or none", async () => {
    const all = await send({ messages: user("hi"), tools: [tool("f", true), tool("g", true)] });
    expect(all.json).toMatchObject({ tools: [tool("f"), tool("g")], strict_tools: true });
    expect(all.adjusted).toEqual({});
    const some = await send({ messages: user("hi"), tools: [tool("f"), tool("g", true)] });
    expect(some.json).not.toHaveProperty("strict_tools");
    expect(some.adjusted).toEqual({ dropped: ["tools[1].function.strict"] });
  });

  it.each([
    [{ thinking: { type: "enabled", budget_tokens: 9 } }, { type: "enabled", token_budget: 9 }, {}],
    [{ reasoning_effort: "high" }, { type: "enabled" }, { converted: ["reasoning_effort"] }],
    [{ reasoning_effort: "none" }, { type: "disabled" }, {}],
  ])("says how much to think: %j", async (asked, thinking, adjusted) => {
    const sent = await send({ messages: user("hi"), ...asked });
    expect(sent.json["thinking"]).toEqual(thinking);
    expect(sent.adjusted).toEqual(adjusted);
  });

  it("asks for JSON by a schema with the bare schema", async () => {
    const schema = { type: "object", properties: { a: { type: "string" } } };
    const { json } = await send({
      messages: user("hi"),
      response_format: { type: "json_schema", json_schema: { name: "n", schema } },
    });
    expect(json["response_format"]).toEqual({ type: "json_object", json_schema: schema });
  });
});

describe("a completion by Cohere", () => {
  it.each(["command", "command-light", "command-nightly", "command-light-nightly", "command-text-v14", "base-light"])(
    "is generated by v1 with the old model %s",
    async (model) => {
      const json = { prompt: "hi", temperature: 1, n: 2, stop: ["a"], max_tokens: 3, top_p: 0.5, logit_bias: { 1: 2 } };
      expect(await send(json, { op: "completions", model })).toMatchObject({
        path: "/v1/generate",
        json: {
          model,
          prompt: "hi",
          temperature: 2.5,
          num_generations: 2,
          stop_sequences: ["a"],
          max_tokens: 3,
          p: 0.5,
        },
        adjusted: { converted: ["temperature"], dropped: ["logit_bias"] },
      });
    },
  );

  it.each(["command-r", "command-r-plus-08-2024", "command-a-03-2025", "c4ai-aya-expanse-8b"])(
    "is a chat with %s",
    async (model) => {
      expect(await send({ prompt: "hi", echo: true }, { op: "completions", model })).toMatchObject({
        path: "/v2/chat",
        json: { model, messages: user("hi") },
        adjusted: { dropped: ["echo"] },
      });
    },
  );

  // What MLflow's own adapters sent, word for word.
  it.each([
    ["modern", { temperature: 0, n: 1, prompt: "hello" }, { temperature: 0, num_generations: 1 }],
    [
      "modern",
      { temperature: 0.3, n: 2, stop: ["END"], max_tokens: 64, prompt: "hello", top_p: 0.9, top_k: 40, foo: "bar" },
      {
        temperature: 0.75,
        num_generations: 2,
        stop_sequences: ["END"],
        max_tokens: 64,
        top_p: 0.9,
        top_k: 40,
        foo: "bar",
      },
    ],
    // The body of a legacy caller has its temperature doubled already.
    ["legacy", { temperature: 1, n: 1, prompt: "hello" }, { temperature: 2.5, num_generations: 1 }],
  ] as const)("is MLflow's for its %s callers: %j", async (by, json, sent) => {
    const { path, json: body } = await send(json as unknown as JsonObject, { op: "completions", model: "command", by });
    expect(path).toBe("/v1/generate");
    expect(body).toEqual({ model: "command", prompt: "hello", ...sent });
  });

  it("has MLflow's names alone for its callers", async () => {
    const asked = send({ prompt: "hi", stop_sequences: ["x"] }, { op: "completions", model: "command", by: "modern" });
    const message = "Invalid parameter stop_sequences. Use stop instead.";
    await expect(asked).rejects.toMatchObject({ message, http: 400 });
  });

  it("refuses several prompts", async () => {
    await expect(send({ prompt: ["a", "b"] }, { op: "completions", model: "command" })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID", param: "prompt" },
    });
  });
});

describe("embeddings by Cohere", () => {
  it("say what they are for, by default documents, and of which type", async () => {
    const sent = await send(
      { input: "a", dimensions: 256, encoding_format: "float", user: "ann" },
      { op: "embeddings" },
    );
    expect(sent).toMatchObject({
      path: "/v2/embed",
      json: {
        model: "command-a-03-2025",
        input_type: "search_document",
        texts: ["a"],
        embedding_types: ["float"],
        output_dimension: 256,
      },
      adjusted: { defaulted: ["input_type"], dropped: ["user"] },
    });
  });

  it("take Cohere's own members", async () => {
    const own = { input_type: "search_query", embedding_types: ["int8", "float"], truncate: "END" };
    const { json, adjusted } = await send({ input: ["a", "b"], ...own }, { op: "embeddings" });
    expect(json).toEqual({ model: "command-a-03-2025", texts: ["a", "b"], ...own });
    expect(adjusted).toEqual({});
  });

  it("refuse tokens of another model", async () => {
    await expect(send({ input: [1, 2] }, { op: "embeddings" })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID", param: "input" },
    });
  });

  it("keep vectors of further types beside the ones that were asked for", async () => {
    const upstream = openedHere();
    const reply = { embeddings: { int8: [[1, 2]], float: [[0.5, 0.25]], base64: ["AAAAPw=="] }, meta: {} };
    const read = async (request: JsonObject) => {
      const how = { op: "embeddings", model: "embed-v4.0", request } as const;
      return (await answered(upstream, how, Buffer.from(JSON.stringify(reply)), { stream: false })).told[0];
    };
    expect(JSON.parse((await read({ input: "a" }))!.slice(6))).toMatchObject({
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [0.5, 0.25] }],
      embeddings: { int8: [[1, 2]], base64: ["AAAAPw=="] },
    });
    expect(JSON.parse((await read({ input: "a", encoding_format: "base64" }))!.slice(6))).toMatchObject({
      data: [{ embedding: "AAAAPw==" }],
    });
  });
});

describe("Cohere's answers", () => {
  const read = async (name: string, stream: boolean) => {
    const bytes = readFileSync(new URL(`fixtures/${name}`, import.meta.url));
    const how = { op: "chat", model: "command-a-03-2025", request: { messages: user("hi") } } as const;
    const { told } = await answered(openedHere(), how, bytes, { stream });
    return told.map((one) => one.replace(/^(reply|event) /, "")).filter((one) => one.startsWith("{"));
  };
  const citations = ["emperor penguin", "tallest"].map((text) => ({ type: "citation", citation: { text } }));

  it("keep their sources as annotations, whole and streamed", async () => {
    const [reply] = await read("chat-citations.json", false);
    expect(JSON.parse(reply!)).toMatchObject({ choices: [{ message: { annotations: citations } }] });
    const events = (await read("chat-citations.sse", true)).map((one) => JSON.parse(one) as { choices: Choice[] });
    expect(events.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.annotations ?? []))).toMatchObject(
      citations,
    );
  });

  it("keep what the model planned so that it can go back", async () => {
    const [reply] = await read("chat-tools.json", false);
    const detail = {
      type: "reasoning.text",
      format: "cohere",
      model: "command-a-03-2025",
      index: 0,
      source: "tool_plan",
    };
    expect(JSON.parse(reply!)).toMatchObject({
      choices: [{ message: { content: null, reasoning_details: [detail] } }],
    });
  });

  it("give every generation its own end", async () => {
    const generations = [
      { id: "a", index: 0, text: "x", finish_reason: "COMPLETE" },
      { id: "b", index: 1, text: "y", finish_reason: "MAX_TOKENS" },
    ];
    const how = { op: "completions", model: "command", request: { prompt: "p", n: 2 } } as const;
    const { told } = await answered(openedHere(), how, Buffer.from(JSON.stringify({ id: "g", generations })), {
      stream: false,
    });
    expect(JSON.parse(told[0]!.slice(6))).toEqual({
      id: "g",
      object: "text_completion",
      created: 1_750_000_000,
      model: "command",
      choices: [
        { index: 0, id: "a", text: "x", finish_reason: "stop", native_finish_reason: "COMPLETE" },
        { index: 1, id: "b", text: "y", finish_reason: "length", native_finish_reason: "MAX_TOKENS" },
      ],
    });
  });

  it("are no answers when Cohere says that it failed", async () => {
    const bytes = Buffer.from(JSON.stringify({ id: "x", finish_reason: "ERROR", message: { role: "assistant" } }));
    const how = { op: "chat", model: "m", request: { messages: user("hi") } } as const;
    const { told, error } = await answered(openedHere(), how, bytes, { stream: false });
    expect(told).toEqual(["fail UPSTREAM_FAILED"]);
    expect(error?.message).toBe("The provider cohere ended its answer with ERROR.");
  });
});

interface Choice {
  delta: { annotations?: JsonObject[] };
}

function openedHere() {
  const contract = { settings: SETTINGS, model: "m", cases: [], faults: [] };
  return opened({ kind: "cohere", provider: provider as Provider<unknown>, contract, file: () => Buffer.alloc(0) });
}
