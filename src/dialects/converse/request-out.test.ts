import { describe, expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { Arrival } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { converseRequest } from "./request-out.ts";

const CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0";
const HI: Json[] = [{ role: "user", content: "hi" }];

function said(json: JsonObject, id = CLAUDE, arrival: Partial<Arrival> = {}) {
  const call = callOf(planOf([]), false, arrival);
  const request = converseRequest(call, id, id, { messages: HI, ...json });
  const { dropped = [], converted = [] } = call.adjusted ?? {};
  return { request, dropped, converted };
}

describe("what is asked of Converse", () => {
  it("is the common shape's, in its own words", () => {
    const { request, dropped, converted } = said({
      temperature: 1,
      top_p: 0.5,
      max_completion_tokens: 100,
      stop: "END",
      metadata: { team: "a" },
      service_tier: "flex",
    });
    expect(request).toEqual({
      messages: [{ role: "user", content: [{ text: "hi" }] }],
      inferenceConfig: { temperature: 0.5, topP: 0.5, maxTokens: 100, stopSequences: ["END"] },
      requestMetadata: { team: "a" },
      serviceTier: { type: "flex" },
      additionalModelResponseFieldPaths: ["/stop_sequence"],
    });
    expect({ dropped, converted }).toEqual({ dropped: [], converted: ["temperature"] });
  });

  it("is Converse's own where the caller says it so, and the model's where Converse does not know it", () => {
    const guardrailConfig = { guardrailIdentifier: "g", guardrailVersion: "1", trace: "enabled" };
    const { request } = said({
      max_tokens: 5,
      guardrailConfig,
      performanceConfig: { latency: "optimized" },
      inferenceConfig: { temperature: 0.9 },
      promptVariables: { a: { text: "b" } },
      additionalModelRequestFields: { anthropic_beta: ["x"] },
      additionalModelResponseFieldPaths: ["/stop_sequence"],
      top_k: 40,
      thinking: { type: "enabled", budget_tokens: 2000 },
    });
    expect(request).toEqual({
      messages: [{ role: "user", content: [{ text: "hi" }] }],
      inferenceConfig: { maxTokens: 5, temperature: 0.9 },
      additionalModelRequestFields: {
        top_k: 40,
        thinking: { type: "enabled", budget_tokens: 2000 },
        anthropic_beta: ["x"],
      },
      additionalModelResponseFieldPaths: ["/stop_sequence"],
      guardrailConfig,
      performanceConfig: { latency: "optimized" },
      promptVariables: { a: { text: "b" } },
    });
  });

  it("has labels of the letters that Bedrock takes", () => {
    const { request, dropped } = said({ metadata: { team: "a@b.c", prompt: "{x}", long: "x".repeat(257), "": "y" } });
    expect(request["requestMetadata"]).toEqual({ team: "a@b.c" });
    expect(dropped).toEqual(["metadata.prompt", "metadata.long", "metadata."]);
  });

  it("has top_k where Nova has it", () => {
    expect(said({ top_k: 20 }, "amazon.nova-lite-v1:0").request["additionalModelRequestFields"]).toEqual({
      inferenceConfig: { topK: 20 },
    });
  });

  it("tells what has no place", () => {
    const { dropped } = said({ n: 2, seed: 1, logprobs: true, frequency_penalty: 1, user: "u", service_tier: "scale" });
    expect(dropped).toEqual(["service_tier", "n", "seed", "logprobs", "frequency_penalty", "user"]);
  });

  it("is a schema as text, which Bedrock is always strict about", () => {
    const schema = { type: "object", properties: { b: {}, a: { anyOf: [{ type: "string" }, { type: "null" }] } } };
    const { request, converted } = said({
      response_format: { type: "json_schema", json_schema: { name: "w", description: "d", schema, strict: true } },
    });
    expect(request["outputConfig"]).toEqual({
      textFormat: {
        type: "json_schema",
        structure: { jsonSchema: { schema: JSON.stringify(schema), name: "w", description: "d" } },
      },
    });
    expect(converted).toEqual(["response_format.json_schema.strict"]);
    expect(said({ response_format: { type: "json_object" } }).dropped).toEqual(["response_format"]);
    expect(said({ response_format: { type: "text" } })).toMatchObject({ dropped: [] });
  });
});

describe("how much a model is asked to think", () => {
  it.each<[string, string, JsonObject]>([
    [
      "anthropic.claude-sonnet-4-6",
      "high",
      { outputConfig: { effort: "high" }, additionalModelRequestFields: { thinking: { type: "adaptive" } } },
    ],
    [
      "anthropic.claude-opus-4-20250514-v1:0",
      "low",
      { additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 2048 } } },
    ],
    ["openai.gpt-oss-120b-1:0", "low", { additionalModelRequestFields: { reasoning_effort: "low" } }],
    [
      "amazon.nova-2-lite-v1:0",
      "minimal",
      { additionalModelRequestFields: { reasoningConfig: { type: "enabled", maxReasoningEffort: "low" } } },
    ],
  ])("is said in its maker's words: %s, %s", (id, effort, more) => {
    const { request, converted } = said({ reasoning_effort: effort }, id);
    expect(request).toEqual({ messages: [{ role: "user", content: [{ text: "hi" }] }], ...more });
    expect(converted).toEqual(["reasoning_effort"]);
  });

  it("leaves a fifth of the limit to answer, and gives up where too little is left to think", () => {
    const id = "anthropic.claude-3-7-sonnet-20250219-v1:0";
    const fields = (max_tokens: number) => said({ reasoning_effort: "high", max_tokens }, id);
    expect(fields(5000).request["additionalModelRequestFields"]).toEqual({
      thinking: { type: "enabled", budget_tokens: 4000 },
    });
    expect(fields(1200)).toMatchObject({ dropped: ["reasoning_effort"] });
  });

  it("takes away what does not go with it", () => {
    const { request, dropped } = said(
      { reasoning_effort: "low", temperature: 1, top_p: 0.5 },
      "anthropic.claude-sonnet-4-6",
    );
    expect(request["inferenceConfig"]).toBeUndefined();
    expect(dropped).toEqual(["temperature", "top_p"]);
  });

  it("is dropped for who cannot, and nothing for who was asked not to", () => {
    expect(said({ reasoning_effort: "high" }, CLAUDE).dropped).toEqual(["reasoning_effort"]);
    expect(said({ reasoning_effort: "high" }, "meta.llama3-1-8b-instruct-v1:0").dropped).toEqual(["reasoning_effort"]);
    expect(said({ reasoning_effort: "none" }, "anthropic.claude-sonnet-4-6")).toEqual({
      request: { messages: [{ role: "user", content: [{ text: "hi" }] }] },
      dropped: [],
      converted: [],
    });
  });
});

describe("a caller of Anthropic's API", () => {
  const thinking = { type: "enabled", budget_tokens: 4000 };
  const native = (json: JsonObject, id = "anthropic.claude-sonnet-4-6") => said(json, id, { dialect: "anthropic" });

  it("has its tools made by Anthropic, its thinking, and its mark for the whole request", () => {
    const bash = { type: "bash_20250124", name: "bash" };
    const look = { type: "function", function: { name: "look" } };
    const { request, dropped } = native({ tools: [bash, look], thinking, cache_control: { type: "ephemeral" } });
    expect(request).toEqual({
      messages: [{ role: "user", content: [{ text: "hi" }, { cachePoint: { type: "default" } }] }],
      toolConfig: {
        tools: [{ toolSpec: { name: "look", inputSchema: { json: { type: "object", properties: {} } } } }],
      },
      additionalModelRequestFields: { tools: [bash], thinking },
    });
    expect(dropped).toEqual([]);
  });

  it("asks for features by its header, of which Bedrock gets those that it has", () => {
    const beta = "claude-code-20250219, context-1m-2025-08-07,context-management-2025-06-27,context-1m-2025-08-07";
    const asked = (id: string, dialect: "anthropic" | "openai") =>
      said({ context_management: { edits: [] } }, id, { dialect, headers: { "anthropic-beta": beta } });
    expect(asked("anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic")).toMatchObject({
      request: {
        additionalModelRequestFields: {
          anthropic_beta: ["context-1m-2025-08-07", "context-management-2025-06-27"],
          context_management: { edits: [] },
        },
      },
      dropped: [],
    });
    for (const [id, dialect] of [
      ["amazon.nova-lite-v1:0", "anthropic"],
      [CLAUDE, "openai"],
    ] as const) {
      const { request, dropped } = asked(id, dialect);
      expect(request["additionalModelRequestFields"]).toBeUndefined();
      expect(dropped).toEqual(["context_management"]);
    }
  });

  it("may ask another maker's model, which is asked in its own words", () => {
    const nova = native({ thinking }, "amazon.nova-2-lite-v1:0");
    expect(nova.request["additionalModelRequestFields"]).toEqual({
      reasoningConfig: { type: "enabled", maxReasoningEffort: "medium" },
    });
    expect(nova.converted).toEqual(["thinking"]);
    expect(
      native({ reasoning_effort: "low" }, "openai.gpt-oss-20b-1:0").request["additionalModelRequestFields"],
    ).toEqual({
      reasoning_effort: "low",
    });
    const llama = native({ thinking, cache_control: { type: "ephemeral" } }, "meta.llama3-3-70b-instruct-v1:0");
    expect(llama.request).toEqual({ messages: [{ role: "user", content: [{ text: "hi" }] }] });
    expect(llama.dropped).toEqual(["thinking", "cache_control"]);
    expect(native({ thinking: { type: "disabled" } }, "amazon.nova-2-lite-v1:0")).toMatchObject({ dropped: [] });
  });

  it("is the only one whose words are another's: who asks a model by its own gets them through", () => {
    const { request } = said({ thinking }, "zai.glm-4.6");
    expect(request["additionalModelRequestFields"]).toEqual({ thinking });
  });

  it("gets its temperature and its effort through as they came", () => {
    const json = { temperature: 1.4, reasoning_effort: "max" };
    const { request, converted } = said(json, "anthropic.claude-sonnet-4-6", { dialect: "anthropic" });
    expect(request).toMatchObject({ inferenceConfig: { temperature: 0.7 }, outputConfig: { effort: "max" } });
    expect(converted).toEqual([]);
  });
});
