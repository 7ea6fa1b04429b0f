import { describe, expect, it } from "vitest";
import { answered, opened } from "../../../test/support/provider-contract.ts";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";

const SETTINGS = { hf_server_url: "http://tgi:8080/a" };
const send = (json: JsonObject, asking: Partial<Asking> = {}, settings: JsonObject = SETTINGS) =>
  sentBy(provider as Provider<never>, settings, { model: "falcon", op: "completions", json, ...asking });

describe("a completion by Text Generation Inference", () => {
  it("has the server's names", async () => {
    const json = { prompt: "hi", temperature: 0.7, max_tokens: 9, stop: "END", top_p: 0.9, seed: 1, echo: true, n: 2 };
    expect(await send({ ...json, logprobs: 3, presence_penalty: 1, suffix: "s", typical_p: 0.9 })).toEqual({
      origin: "http://tgi:8080",
      path: "/a/generate",
      headers: ["content-type", "application/json", "accept-encoding", "identity"],
      json: {
        inputs: "hi",
        parameters: {
          temperature: 0.7,
          stop: ["END"],
          max_new_tokens: 9,
          top_p: 0.9,
          seed: 1,
          return_full_text: true,
          top_n_tokens: 3,
          typical_p: 0.9,
          details: true,
          decoder_input_details: true,
        },
      },
      adjusted: { dropped: ["n", "presence_penalty", "suffix"] },
    });
  });

  it("is streamed elsewhere, where the prompt's tokens cannot be asked for", async () => {
    expect(await send({ prompt: "hi" }, { stream: true })).toMatchObject({
      path: "/a/generate_stream",
      json: { inputs: "hi", parameters: { details: true } },
    });
  });

  it("asks for the likeliest tokens by leaving the temperature out, which may not be 0", async () => {
    const { json, adjusted } = await send({ prompt: "hi", temperature: 0, top_p: 1 });
    expect(json["parameters"]).toEqual({ details: true, decoder_input_details: true });
    expect(adjusted).toEqual({ converted: ["temperature"] });
  });

  // What MLflow's own adapter sent, word for word; the body of a legacy caller has its temperature doubled already.
  it.each([
    ["modern", { temperature: 0, n: 1 }, { temperature: 0.001 }],
    [
      "modern",
      { temperature: 0.5, n: 1, stop: ["END"], max_tokens: 64 },
      { temperature: 25, stop: ["END"], max_new_tokens: 64 },
    ],
    ["modern", { n: 1, top_k: 40, top_p: 0.9 }, { top_k: 40, top_p: 0.9 }],
    ["legacy", { temperature: 0, n: 1 }, { temperature: 0.001, candidate_count: 1 }],
    ["legacy", { temperature: 1, n: 1 }, { temperature: 0.5, candidate_count: 1 }],
  ] as const)("is MLflow's for its %s callers: %j", async (by, json, parameters) => {
    const { json: sent } = await send({ ...json, prompt: "hello" } as unknown as JsonObject, { by });
    expect(sent).toEqual({
      inputs: "hello",
      parameters: { ...parameters, details: true, decoder_input_details: true },
    });
  });

  it("is one alone for MLflow's callers", async () => {
    await expect(send({ prompt: "hi", n: 2 }, { by: "legacy" })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID", param: "candidate_count" },
    });
  });
});

describe("a chat with Text Generation Inference", () => {
  const messages = [{ role: "user", content: "hi" }];
  const schema = { type: "object", properties: { a: { type: "string" } } };

  it("goes to its OpenAI endpoint, with a key where one is set", async () => {
    const settings = { base_url: "https://e.endpoints.huggingface.cloud", api_key: "hf-1" };
    const json = { messages, max_completion_tokens: 5, temperature: 2, logit_bias: { 1: 1 }, tool_prompt: "p" };
    expect(await send(json, { op: "chat" }, settings)).toMatchObject({
      origin: "https://e.endpoints.huggingface.cloud",
      path: "/v1/chat/completions",
      headers: expect.arrayContaining(["authorization", "Bearer hf-1"]),
      json: { model: "falcon", messages, max_tokens: 5, temperature: 2, tool_prompt: "p" },
      adjusted: { dropped: ["logit_bias"] },
    });
  });

  it.each([
    [
      { type: "json_schema", json_schema: { name: "n", schema } },
      { type: "json", value: schema },
    ],
    [{ type: "json_object" }, { type: "json", value: { type: "object" } }],
    [{ type: "text" }, undefined],
    [
      { type: "regex", value: "a+" },
      { type: "regex", value: "a+" },
    ],
  ])("asks for a grammar with its own word: %j", async (response_format, sent) => {
    const { json } = await send({ messages, response_format }, { op: "chat" });
    expect(json["response_format"]).toEqual(sent);
  });
});

it("tells log probabilities and further answers of a completion", async () => {
  const contract = { settings: SETTINGS, model: "falcon", cases: [], faults: [] };
  const file = () => Buffer.alloc(0);
  const upstream = opened({ kind: "tgi", provider: provider as Provider<unknown>, contract, file });
  const tokens = [{ id: 1, text: "a", logprob: -0.5, special: false }];
  const top_tokens = [[...tokens, { id: 2, text: "b", logprob: -2, special: false }]];
  const best = {
    generated_text: "c",
    finish_reason: "eos_token",
    generated_tokens: 1,
    prefill: [],
    tokens: [],
    seed: 8,
  };
  const details = { finish_reason: "length", generated_tokens: 1, seed: 7, prefill: [], tokens, top_tokens };
  const reply = { generated_text: "a", details: { ...details, best_of_sequences: [best] } };
  const how = { op: "completions", model: "falcon", request: { prompt: "p", logprobs: 2 } } as const;
  const { told } = await answered(upstream, how, Buffer.from(JSON.stringify(reply)), { stream: false });
  expect(JSON.parse(told[0]!.slice(6))).toMatchObject({
    choices: [
      {
        text: "a",
        finish_reason: "length",
        seed: 7,
        logprobs: { tokens: ["a"], token_logprobs: [-0.5], top_logprobs: [{ a: -0.5, b: -2 }] },
      },
      { index: 1, text: "c", finish_reason: "stop", native_finish_reason: "eos_token", seed: 8 },
    ],
    usage: { completion_tokens: 1, total_tokens: 1 },
  });
});
