import { describe, expect, it } from "vitest";
import { answered, opened } from "../../../test/support/provider-contract.ts";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";

const MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1";
const SETTINGS = { togetherai_api_key: "tog-key" };
const send = (json: JsonObject, asking: Partial<Asking> = {}) =>
  sentBy(provider as Provider<never>, SETTINGS, { model: MODEL, json, ...asking });
const messages = [{ role: "user", content: "hello" }];

describe("a request to Together", () => {
  it("goes through as it came, but for what Together has no place for", async () => {
    const own = { top_k: 40, repetition_penalty: 1.1, safety_model: "Meta-Llama/Llama-Guard-7b" };
    const json = {
      messages,
      max_completion_tokens: 9,
      temperature: 1.5,
      seed: 1,
      user: "ann",
      metadata: { a: "b" },
      ...own,
    };
    expect(await send(json)).toEqual({
      origin: "https://api.together.xyz",
      path: "/v1/chat/completions",
      headers: ["content-type", "application/json", "accept-encoding", "identity", "authorization", "Bearer tog-key"],
      json: { model: MODEL, messages, max_tokens: 9, temperature: 1.5, seed: 1, ...own },
      adjusted: { dropped: ["metadata", "user"] },
    });
  });

  it.each([
    [{ logprobs: true, top_logprobs: 5 }, { logprobs: 5 }],
    [{ logprobs: true }, { logprobs: 1 }],
    [{ logprobs: false }, {}],
    [{ logprobs: 3 }, { logprobs: 3 }],
  ])("asks for log probabilities by their count: %j", async (asked, sent) => {
    expect((await send({ messages, ...asked })).json).toEqual({ model: MODEL, messages, ...sent });
  });

  it("has no thoughts of another model in it", async () => {
    const assistant = {
      role: "assistant",
      content: "a",
      reasoning: "hm",
      reasoning_details: [{ format: "anthropic" }],
    };
    const { json, adjusted } = await send({ messages: [assistant, ...messages] });
    expect(json["messages"]).toEqual([{ role: "assistant", content: "a" }, ...messages]);
    expect(adjusted).toEqual({ dropped: ["messages[0].reasoning_details", "messages[0].reasoning"] });
  });

  it.each([
    ["chat", { temperature: 0, n: 1, messages }, "/v1/chat/completions"],
    ["chat", { temperature: 0.5, n: 1, stop: ["END"], max_tokens: 64, messages }, "/v1/chat/completions"],
    ["completions", { temperature: 0.5, n: 1, max_tokens: 64, prompt: "hello" }, "/v1/completions"],
    ["embeddings", { input: ["a", "b"] }, "/v1/embeddings"],
  ] as const)("is MLflow's for its callers, and never without the model: %s", async (op, json, path) => {
    const sent = await send(json as unknown as JsonObject, { op, by: "modern" });
    expect(sent).toMatchObject({ path, json: { model: MODEL, ...json }, adjusted: {} });
    expect(Object.keys(sent.json).length).toBe(Object.keys(json).length + 1);
  });
});

it("tells log probabilities as OpenAI does", async () => {
  const contract = { settings: SETTINGS, model: MODEL, cases: [], faults: [] };
  const file = () => Buffer.alloc(0);
  const upstream = opened({ kind: "togetherai", provider: provider as Provider<unknown>, contract, file });
  const logprobs = { tokens: ["Hi", "!"], token_logprobs: [-0.5, -0.25], top_logprobs: [{ Hi: -0.5, Ho: -2 }] };
  const choice = { index: 0, message: { role: "assistant", content: "Hi!" }, finish_reason: "eos", logprobs };
  const bytes = Buffer.from(JSON.stringify({ id: "x", choices: [choice] }));
  const { told } = await answered(upstream, { op: "chat", model: MODEL, request: { messages } }, bytes, {
    stream: false,
  });
  expect(JSON.parse(told[0]!.slice(6))).toMatchObject({
    object: "chat.completion",
    created: 1_750_000_000,
    choices: [
      {
        finish_reason: "stop",
        native_finish_reason: "eos",
        logprobs: {
          content: [
            {
              token: "Hi",
              logprob: -0.5,
              top_logprobs: [
                { token: "Hi", logprob: -0.5 },
                { token: "Ho", logprob: -2 },
              ],
            },
            { token: "!", logprob: -0.25, top_logprobs: [] },
          ],
        },
      },
    ],
  });
});
