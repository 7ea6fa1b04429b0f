import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { PalmSettingsSchema } from "../../../gen/providers/palm/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { type Arrival, Call, type Generation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { provider } from "./index.ts";

const settings = create(PalmSettingsSchema, { palmApiKey: "palm-key" });
const upstream = provider.open(settings, { clock: fakeClock(), wallNow: () => 1_700_000_000_000, random: () => 0 });
const MODELS = { chat: "chat-bison-001", completions: "text-bison-001", embeddings: "embedding-gecko-001" };

function callFor(op: Generation, json: JsonObject, arrival: Partial<Arrival> = {}, stream = false): Call {
  const target = { ...targetOf(() => ({ pause() {}, resume() {}, abort() {} }), 0, upstream), model: MODELS[op] };
  const plan = planOf([target], { op });
  const call = new Call(callOf(plan, false, arrival).arrival, plan, Body.ofJson(json), stream);
  call.target = target;
  return call;
}

async function send(op: Generation, json: JsonObject, arrival?: Partial<Arrival>) {
  const call = callFor(op, json, arrival);
  const { path, headers, body } = await upstream.encode(call, call.body, MODELS[op]);
  return { path, headers, body: body.toString(), adjusted: call.adjusted };
}

const messages = [{ role: "user", content: "hello" }];

describe("what MLflow's callers say reaches PaLM as from MLflow", () => {
  it.each<[string, Generation, JsonObject, Partial<Arrival>, string, string]>([
    [
      "a completion of 2.8",
      "completions",
      { temperature: 1, n: 1, stop: ["END"], max_tokens: 64, prompt: "hello" },
      { dialect: "mlflow", legacy: true },
      "/v1beta3/models/text-bison-001:generateText",
      '{"temperature":0.5,"candidateCount":1,"stopSequences":["END"],"maxOutputTokens":64,"prompt":{"text":"hello"}}',
    ],
    [
      "a completion of 2.22",
      "completions",
      { temperature: 0.5, n: 1, stop: ["END"], max_tokens: 64, prompt: "hello" },
      { dialect: "mlflow" },
      "/v1beta3/models/text-bison-001:generateText",
      '{"temperature":0.25,"candidateCount":1,"stopSequences":["END"],"maxOutputTokens":64,"prompt":{"text":"hello"}}',
    ],
    [
      "a chat",
      "chat",
      { temperature: 0, n: 1, messages },
      { dialect: "mlflow" },
      "/v1beta3/models/chat-bison-001:generateMessage",
      '{"temperature":0,"candidateCount":1,"prompt":{"messages":[{"content":"hello","author":"user"}]}}',
    ],
    [
      "a wish for vectors",
      "embeddings",
      { input: ["a", "b"] },
      { dialect: "mlflow" },
      "/v1beta3/models/embedding-gecko-001:batchEmbedText",
      '{"texts":["a","b"]}',
    ],
  ])("%s", async (_name, op, json, arrival, path, body) => {
    expect(await send(op, json, arrival)).toMatchObject({ path, body });
  });

  it("with the key in its header, and not in the address", async () => {
    const { headers, path } = await send("completions", { prompt: "hello" });
    expect(headers).toEqual([
      "content-type",
      "application/json",
      "accept-encoding",
      "identity",
      "x-goog-api-key",
      "palm-key",
    ]);
    expect(path).not.toContain("key");
  });

  it.each([
    ["chat", { messages, max_tokens: 5 }, "Max tokens is not supported for PaLM chat."],
    ["completions", { prompt: "a", maxOutputTokens: 5 }, "Invalid parameter maxOutputTokens. Use max_tokens instead."],
    ["completions", { prompt: "a", candidateCount: 2 }, "Invalid parameter candidateCount. Use n instead."],
  ] as const)("but for what MLflow refuses: %s with %j", async (op, json, message) => {
    await expect(send(op, json as unknown as JsonObject, { dialect: "mlflow" })).rejects.toMatchObject({
      message,
      fault: { reason: "FIELD_INVALID" },
    });
  });
});

describe("a request to PaLM", () => {
  it("has half of a temperature, instructions as context, and no limit of tokens in a chat", async () => {
    const system = { role: "system", content: "Be brief." };
    const { body, adjusted } = await send("chat", { messages: [system, ...messages], temperature: 1, max_tokens: 5 });
    expect(JSON.parse(body)).toEqual({
      temperature: 0.5,
      prompt: { context: "Be brief.", messages: [{ content: "hello", author: "user" }] },
    });
    expect(adjusted).toEqual({ dropped: ["max_tokens"], converted: ["temperature"], defaulted: [] });
  });

  it("is never for a stream", () => {
    const call = callFor("chat", { messages }, {}, true);
    expect(() => upstream.encode(call, call.body, "m")).toThrow("The models of PaLM answer whole and do not stream.");
  });
});

it("tells MLflow's callers the author as the role, and no reason why it ended", () => {
  const said = { candidates: [{ author: "1", content: "Hi there!" }] };
  const choices = (dialect: Arrival["dialect"]) =>
    upstream.reads!.chat!.reply(callFor("chat", { messages }, { dialect }), said)["choices"];
  expect(choices("mlflow")).toEqual([{ index: 0, message: { role: "1", content: "Hi there!" }, finish_reason: null }]);
  expect(choices("openai")).toEqual([
    { index: 0, message: { role: "assistant", content: "Hi there!" }, finish_reason: "stop" },
  ]);
});

it("is told to be deprecated when it is loaded, and used all the same", () => {
  expect(provider.check!(settings, { name: "m", routeType: "llm/v1/chat" })).toEqual([
    {
      path: "",
      message: "palm is deprecated: Google has switched its API off; take the provider gemini",
      warning: true,
    },
  ]);
});
