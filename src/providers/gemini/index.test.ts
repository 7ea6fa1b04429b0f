import { readFileSync } from "node:fs";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GeminiSettingsSchema } from "../../../gen/providers/gemini/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { provider } from "./index.ts";

type Init = MessageInitShape<typeof GeminiSettingsSchema>;
const KEY = "AIzaSyD-0123456789abcdefghijklmnopqrstu";
const open = (init: Init = {}) =>
  provider.open(create(GeminiSettingsSchema, { geminiApiKey: KEY, ...init }), {
    clock: fakeClock(),
    wallNow: () => 1_700_000_000_500,
    random: () => 0,
  });

function callFor(op: Operation, json: JsonObject, model: string, stream = false): Call {
  const target = { ...targetOf(() => ({ pause() {}, resume() {}, abort() {} })), model };
  const plan = planOf([target], { op });
  const call = new Call(callOf(plan, false).arrival, plan, Body.ofJson(json), stream);
  call.target = target;
  return call;
}

async function send(op: Operation, json: JsonObject, model: string, init: Init = {}, stream = false) {
  const upstream = open(init);
  const call = callFor(op, json, model, stream);
  const { path, headers, body } = await upstream.encode(call, call.body, model);
  return { url: upstream.origin + path, headers, body: body.toString() };
}

const BASE = "https://generativelanguage.googleapis.com/v1beta";
const messages = [{ role: "user", content: "hello" }];
const SAID = '{"contents":[{"role":"user","parts":[{"text":"hello"}]}]';

describe("a request to Gemini", () => {
  it.each<[string, Operation, JsonObject, string, string, string]>([
    ["a chat", "chat", { messages }, "gemini-2.0-flash", "models/gemini-2.0-flash:generateContent", `${SAID}}`],
    [
      "a chat as MLflow 3 sends it",
      "chat",
      { messages, n: 1, stop: ["END"], max_tokens: 64, temperature: 0.5 },
      "gemini-2.0-flash",
      "models/gemini-2.0-flash:generateContent",
      `${SAID},"generationConfig":{"candidateCount":1,"stopSequences":["END"],"maxOutputTokens":64,"temperature":0.5}}`,
    ],
    [
      "a completion",
      "completions",
      { prompt: "hello", max_tokens: 64 },
      "gemini-2.0-flash",
      "models/gemini-2.0-flash:generateContent",
      `${SAID},"generationConfig":{"maxOutputTokens":64}}`,
    ],
    [
      "one vector",
      "embeddings",
      { input: "embtext hello" },
      "text-embedding-004",
      "models/text-embedding-004:embedContent",
      '{"content":{"parts":[{"text":"embtext hello"}]}}',
    ],
    [
      "several vectors",
      "embeddings",
      { input: ["embtext hello", "world"] },
      "text-embedding-004",
      "models/text-embedding-004:batchEmbedContents",
      '{"requests":[{"model":"models/text-embedding-004","content":{"parts":[{"text":"embtext hello"}]}},' +
        '{"model":"models/text-embedding-004","content":{"parts":[{"text":"world"}]}}]}',
    ],
    ["a tuned model", "chat", { messages }, "tunedModels/mine-1", "tunedModels/mine-1:generateContent", `${SAID}}`],
  ])("is %s", async (_name, op, json, model, path, body) => {
    expect(await send(op, json, model)).toEqual({
      url: `${BASE}/${path}`,
      headers: ["content-type", "application/json", "accept-encoding", "identity", "x-goog-api-key", KEY],
      body,
    });
  });

  it("asks for a stream as server-sent events, at another base where there is one, and with no key in the address", async () => {
    const { url } = await send("chat", { messages }, "gemini-2.5-flash", { baseUrl: "http://127.0.0.1:9/g/" }, true);
    expect(url).toBe("http://127.0.0.1:9/g/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
  });

  it.each(["", [], [1, 2], [[1, 2]], ["a", 1]])("for vectors is of texts alone, not %j", async (input) => {
    const asked = send("embeddings", { input }, "gemini-embedding-001");
    if (input === "") await expect(asked).resolves.toMatchObject({ body: '{"content":{"parts":[{"text":""}]}}' });
    else await expect(asked).rejects.toMatchObject({ fault: { reason: "FIELD_INVALID", param: "input" } });
  });
});

describe("an answer of Gemini", () => {
  const recorded = (name: string) =>
    JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8")) as JsonObject;
  const reply = (op: Operation, name: string, json: JsonObject = {}) =>
    open().reads![op]!.reply(callFor(op, json, "gemini-2.5-flash"), recorded(name));

  it("has the time, the provider's id and model, and sources with places in the text", () => {
    const answer = reply("chat", "chat-code");
    expect(answer).toMatchObject({
      id: "bkixaPi5AarPz7IPx-ODuAw",
      created: 1_700_000_000,
      model: "gemini-2.5-flash",
    });
    const [choice] = answer["choices"] as { message: { annotations: JsonObject[]; content: string } }[];
    const { url, start_index, end_index } = choice!.message.annotations[0]!["url_citation"] as Record<string, never>;
    expect(url).toBe("https://example.com/a");
    expect(choice!.message.content.slice(start_index, end_index)).toBe("The süm is 45, as it");
  });

  it("has vectors in the form that was asked for", () => {
    const floats = reply("embeddings", "embed-many", { encoding_format: "float" });
    const packed = reply("embeddings", "embed-many", { encoding_format: "base64" });
    const [first] = floats["data"] as { embedding: number[] }[];
    const [same] = packed["data"] as { embedding: string }[];
    const bytes = Buffer.from(same!.embedding, "base64");
    expect(first!.embedding.map((_, at) => bytes.readFloatLE(at * 4))).toEqual(first!.embedding);
  });

  it.each([{}, { candidates: [] }, { predictions: [] }])("that holds no answer is a failure: %j", (json) => {
    const call = callFor("chat", { messages }, "m");
    expect(() => open().reads!.chat!.reply(call, json)).toThrow(expect.objectContaining({ http: 502 }) as Error);
  });
});

describe("a refusal of Gemini", () => {
  const fault = (status: number, body: unknown) => open().fault(status, {}, Buffer.from(JSON.stringify(body)));

  it("keeps Google's word for what is wrong, and no key", () => {
    const error = fault(400, {
      error: { code: 400, message: `Invalid value, see ${KEY}.`, status: "INVALID_ARGUMENT" },
    });
    expect(error).toMatchObject({
      message: "Invalid value, see ***.",
      http: 400,
      fault: { reason: "UPSTREAM_REJECTED", code: "INVALID_ARGUMENT" },
    });
  });

  it("under 200 is told by its code, alone or in a list", () => {
    const error = { error: { code: 429, message: "slow down", status: "RESOURCE_EXHAUSTED" } };
    expect(fault(200, error).fault.reason).toBe("UPSTREAM_BUSY");
    expect(fault(200, [error]).fault.reason).toBe("UPSTREAM_BUSY");
  });
});

describe("Gemini's settings", () => {
  const problems = (init: Init) =>
    provider.check!(create(GeminiSettingsSchema, { geminiApiKey: KEY, ...init }), {
      name: "m",
      routeType: "llm/v1/chat",
    }).map(({ path }) => path);

  it("are a key that a header can carry, and an address if another is wanted", () => {
    expect(problems({})).toEqual([]);
    expect(problems({ baseUrl: "http://127.0.0.1:9/v1beta" })).toEqual([]);
    expect(problems({ geminiApiKey: "line\nbreak", baseUrl: "generativelanguage.googleapis.com" })).toEqual([
      "gemini_api_key",
      "base_url",
    ]);
  });
});
