import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { BedrockSettingsSchema } from "../../../gen/providers/bedrock/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { type Arrival, Call, type Operation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { provider } from "./index.ts";

type Init = MessageInitShape<typeof BedrockSettingsSchema>;

const KEYS: Init = {
  awsConfig: { awsRegion: "us-east-1", awsAccessKeyId: "AKIDEXAMPLE", awsSecretAccessKey: "secret" },
};
const BEARER: Init = { awsConfig: { awsRegion: "us-east-1", awsBearerToken: "ABSK" } };
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

interface Asked {
  readonly op?: Operation;
  readonly stream?: boolean;
  readonly init?: Init;
  readonly arrival?: Partial<Arrival>;
}

/** What Bedrock would get, and what the caller is told of it. */
async function asked(
  model: string,
  json: JsonObject,
  { op = "chat", stream = false, init = BEARER, arrival }: Asked = {},
) {
  const tools = { clock: fakeClock(), wallNow: () => NOW, random: () => 0 };
  const upstream = provider.open(create(BedrockSettingsSchema, init), tools);
  const plan = planOf([], { op });
  const call = new Call(callOf(plan, stream, arrival).arrival, plan, Body.ofJson(json), stream);
  const { path, headers, body } = await upstream.encode(call, call.body, model);
  return { origin: upstream.origin, path, headers, text: body.toString(), adjusted: call.adjusted };
}

/** Callers of MLflow's faces: what MLflow sends for them was seen on the wire. */
const MODERN = { dialect: "mlflow" } as const;
const LEGACY = { dialect: "mlflow", legacy: true } as const;
const CHAT: JsonObject = { model: "route", messages: [{ role: "user", content: "hello" }] };

describe("where a request to Bedrock goes", () => {
  it.each<[string, Operation, boolean, string]>([
    [
      "anthropic.claude-3-haiku-20240307-v1:0",
      "chat",
      false,
      "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
    ],
    ["us.anthropic.claude-sonnet-4-6", "chat", true, "/model/us.anthropic.claude-sonnet-4-6/converse-stream"],
    [
      "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3-1-8b-instruct-v1:0",
      "chat",
      false,
      "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.meta.llama3-1-8b-instruct-v1%3A0/converse",
    ],
    ["amazon.titan-text-lite-v1", "completions", false, "/model/amazon.titan-text-lite-v1/invoke"],
    ["amazon.titan-text-lite-v1", "completions", true, "/model/amazon.titan-text-lite-v1/invoke-with-response-stream"],
    ["us.amazon.nova-lite-v1:0", "completions", true, "/model/us.amazon.nova-lite-v1%3A0/converse-stream"],
    ["mistral.mistral-7b-instruct-v0:2", "completions", false, "/model/mistral.mistral-7b-instruct-v0%3A2/converse"],
    ["amazon.titan-embed-text-v2:0", "embeddings", false, "/model/amazon.titan-embed-text-v2%3A0/invoke"],
  ])("is by the model, the operation and the way of answering: %s %s %s", async (model, op, stream, path) => {
    const json = op === "chat" ? CHAT : op === "completions" ? { prompt: "hi" } : { input: "hi" };
    expect(await asked(model, json, { op, stream })).toMatchObject({
      origin: "https://bedrock-runtime.us-east-1.amazonaws.com",
      path,
    });
  });

  it("sends a chat as MLflow 3 sends it", async () => {
    const json = { ...CHAT, temperature: 0.5, n: 1, stop: ["END"], max_tokens: 64 };
    expect((await asked("anthropic.claude-3-haiku-20240307-v1:0", json, { arrival: MODERN })).text).toBe(
      '{"messages":[{"role":"user","content":[{"text":"hello"}]}],"inferenceConfig":{"temperature":0.5,"maxTokens":64,"stopSequences":["END"]}}',
    );
  });

  it("may have a prefix, which is signed too", async () => {
    const { origin, path } = await asked("m", CHAT, { init: { ...BEARER, baseUrl: "http://127.0.0.1:9/a/b/" } });
    expect([origin, path]).toEqual(["http://127.0.0.1:9", "/a/b/model/m/converse"]);
  });
});

describe("how a request to Bedrock says who asks", () => {
  it("is by a bearer token", async () => {
    expect((await asked("m", CHAT)).headers).toEqual([
      "content-type",
      "application/json",
      "accept",
      "application/json",
      "accept-encoding",
      "identity",
      "authorization",
      "Bearer ABSK",
    ]);
  });

  it("is by a signature of exactly what is sent", async () => {
    const { headers } = await asked("m", CHAT, { init: KEYS, stream: true });
    expect(headers).toEqual([
      "content-type",
      "application/json",
      "accept",
      "application/vnd.amazon.eventstream",
      "accept-encoding",
      "identity",
      "x-amz-date",
      "20260102T030405Z",
      "authorization",
      expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20260102\/us-east-1\/bedrock\/aws4_request, SignedHeaders=accept;content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
      ),
    ]);
  });
});

const ALL = { prompt: "hello", temperature: 0.5, stop: ["END"], max_tokens: 64 };

describe("a completion of a model that does not chat", () => {
  it.each<[string, string, JsonObject, Partial<Arrival>, string]>([
    ["Titan", "amazon.titan-tg1-large", { prompt: "hello" }, MODERN, '{"inputText":"hello","textGenerationConfig":{}}'],
    [
      "Titan",
      "amazon.titan-tg1-large",
      ALL,
      MODERN,
      '{"inputText":"hello","textGenerationConfig":{"temperature":0.25,"stopSequences":["END"],"maxTokenCount":64}}',
    ],
    [
      "Titan, of 2.8",
      "amazon.titan-tg1-large",
      { ...ALL, temperature: 1 },
      LEGACY,
      '{"inputText":"hello","textGenerationConfig":{"temperature":0.5,"stopSequences":["END"],"maxTokenCount":64}}',
    ],
    ["Jurassic", "ai21.j2-mid", { prompt: "hello", n: 1 }, MODERN, '{"numResults":1,"prompt":"hello"}'],
    [
      "Jurassic",
      "ai21.j2-mid",
      ALL,
      MODERN,
      '{"temperature":0.5,"stopSequences":["END"],"maxTokens":64,"prompt":"hello"}',
    ],
    [
      "Jurassic, of 2.8",
      "ai21.j2-mid",
      { ...ALL, temperature: 1 },
      LEGACY,
      '{"temperature":0.5,"stopSequences":["END"],"maxTokens":64,"prompt":"hello"}',
    ],
    [
      "Claude",
      "anthropic.claude-v2",
      { prompt: "hello" },
      MODERN,
      '{"stop_sequences":["\\n\\nHuman:"],"max_tokens_to_sample":8191,"prompt":"\\n\\nHuman: hello\\n\\nAssistant:","anthropic_version":"bedrock-2023-05-31"}',
    ],
    [
      "Claude",
      "us.anthropic.claude-instant-v1",
      ALL,
      MODERN,
      '{"temperature":0.25,"stop_sequences":["END","\\n\\nHuman:"],"max_tokens_to_sample":64,"prompt":"\\n\\nHuman: hello\\n\\nAssistant:","anthropic_version":"bedrock-2023-05-31"}',
    ],
    [
      "Command",
      "cohere.command-text-v14",
      ALL,
      MODERN,
      '{"temperature":1.25,"stop_sequences":["END"],"max_tokens":64,"prompt":"hello"}',
    ],
    [
      "Command, of 2.8",
      "cohere.command-text-v14",
      { ...ALL, temperature: 1 },
      LEGACY,
      '{"temperature":2.5,"stop_sequences":["END"],"max_tokens":64,"prompt":"hello"}',
    ],
  ])("is said as MLflow says it: %s", async (_name, model, json, arrival, text) => {
    expect((await asked(model, json, { op: "completions", arrival })).text).toBe(text);
  });

  it("passes on what only the model knows, and tells what it lacks", async () => {
    const json = { prompt: ["Human: hello\n\nAssistant:"], max_tokens: 10_000, top_p: 0.5, top_k: 7, seed: 1, n: 2 };
    const { text, adjusted } = await asked("anthropic.claude-v2:1", json, { op: "completions" });
    expect(JSON.parse(text)).toEqual({
      prompt: "\n\nHuman: hello\n\nAssistant:",
      max_tokens_to_sample: 8191,
      stop_sequences: ["\n\nHuman:"],
      top_p: 0.5,
      top_k: 7,
      anthropic_version: "bedrock-2023-05-31",
    });
    expect(adjusted).toEqual({ dropped: ["seed", "n"], converted: ["max_tokens"], defaulted: [] });
  });

  it("streams where the model does, and says so where it does not", async () => {
    const { text } = await asked(
      "cohere.command-light-text-v14",
      { prompt: "hi" },
      { op: "completions", stream: true },
    );
    expect(JSON.parse(text)).toEqual({ prompt: "hi", stream: true });
    await expect(
      asked("ai21.j2-ultra-v1", { prompt: "hi" }, { op: "completions", stream: true }),
    ).rejects.toMatchObject({
      message: 'The model "ai21.j2-ultra-v1" of bedrock does not stream; ask without stream.',
      fault: { reason: "OPERATION_UNSUPPORTED" },
    });
  });

  it("is a chat with a model that chats", async () => {
    const { text } = await asked("anthropic.claude-3-haiku-20240307-v1:0", ALL, { op: "completions", arrival: MODERN });
    expect(text).toBe(
      '{"messages":[{"role":"user","content":[{"text":"hello"}]}],"inferenceConfig":{"temperature":0.25,"maxTokens":64,"stopSequences":["END"]}}',
    );
  });
});

describe("texts to embed", () => {
  const embed = (model: string, json: JsonObject) => asked(model, json, { op: "embeddings" });

  it.each<[string, JsonObject, JsonObject]>([
    ["amazon.titan-embed-text-v1", { input: ["hello"] }, { inputText: "hello" }],
    [
      "amazon.titan-embed-text-v2:0",
      { input: "hello", dimensions: 256, normalize: true, encoding_format: "base64" },
      { inputText: "hello", dimensions: 256, normalize: true },
    ],
    [
      "amazon.nova-2-multimodal-embeddings-v1:0",
      { input: "hello", dimensions: 384 },
      {
        schemaVersion: "nova-multimodal-embed-v1",
        taskType: "SINGLE_EMBEDDING",
        singleEmbeddingParams: {
          embeddingPurpose: "GENERIC_INDEX",
          embeddingDimension: 384,
          text: { truncationMode: "END", value: "hello" },
        },
      },
    ],
    [
      "cohere.embed-multilingual-v3",
      { input: ["a", "b"], input_type: "search_query", truncate: "END" },
      { texts: ["a", "b"], input_type: "search_query", truncate: "END" },
    ],
    [
      "us.cohere.embed-v4:0",
      { input: "a", dimensions: 512 },
      { texts: ["a"], input_type: "search_document", output_dimension: 512 },
    ],
  ])("are said in the words of %s", async (model, json, body) => {
    expect(JSON.parse((await embed(model, json)).text)).toEqual(body);
  });

  it("tell what was put in and what has no place", async () => {
    expect((await embed("cohere.embed-english-v3", { input: "a", dimensions: 8, user: "u" })).adjusted).toEqual({
      dropped: ["dimensions", "user"],
      converted: [],
      defaulted: ["input_type"],
    });
  });

  it("must be one for a model that takes one, and never tokens", async () => {
    for (const input of [["a", "b"], [1, 2], [], [[1]]]) {
      await expect(embed("amazon.titan-embed-text-v2:0", { input })).rejects.toMatchObject({ http: 400 });
    }
  });

  it("need a model that embeds", async () => {
    await expect(embed("anthropic.claude-sonnet-4-6", { input: "a" })).rejects.toMatchObject({
      http: 501,
      message: expect.stringContaining("makes no embeddings here"),
    });
  });
});
