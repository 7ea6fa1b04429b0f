import OpenAI, { NotFoundError } from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import {
  type ChatChunk,
  expectSame,
  joined,
  question,
  reference,
  startSimulator,
  type Told,
  toldOf,
} from "./question.ts";
import { client, clientSuite, run } from "./tools.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const sdk = () => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [...question.messages];

it("answers OpenAI's SDK for Node, whole and as a stream", async () => {
  const unary = toldOf(await sdk().chat.completions.create({ model: "chat", ...question, messages }));
  const chunks: ChatChunk[] = [];
  const stream = await sdk().chat.completions.create({
    model: "chat",
    ...question,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) chunks.push(chunk as ChatChunk);
  expectSame({ unary, stream: joined(chunks) }, want);
});

it("gives OpenAI's SDK for Node models, embeddings, completions, and an error that it knows", async () => {
  const models: string[] = [];
  for await (const model of sdk().models.list()) models.push(model.id);
  expect(models).toEqual(["chat", "completions", "embeddings"]);
  expect((await sdk().models.retrieve("chat")).id).toBe("chat");
  const { data } = await sdk().embeddings.create({ model: "embeddings", input: ["a cat", "a cat!"] });
  expect(data).toHaveLength(2);
  expect(data[0]!.embedding.length).toBeGreaterThan(1);
  const text = await sdk().completions.create({ model: "completions", prompt: "Once upon a time", max_tokens: 50 });
  expect(text.choices[0]!.text).not.toBe("");
  const refused = sdk().chat.completions.create({ model: "no-such-route", ...question, messages });
  await expect(refused).rejects.toBeInstanceOf(NotFoundError);
  await expect(refused).rejects.toMatchObject({ code: "model_not_found", type: "invalid_request_error" });
});

clientSuite("Python with openai and grpcio", "OpenAI's SDK for Python", (python) => {
  it("gets the same answers", async () => {
    const args = [client("openai_sdk.py"), gateway.url, "chat", "none"];
    const got = JSON.parse(await run(python, args, { input: JSON.stringify(question) }));
    expectSame(got, want);
    expect(got.others.models).toEqual(["chat", "completions", "embeddings"]);
    expect(got.others.dimensions[0]).toBeGreaterThan(1);
    expect(got.others.completion).not.toBe("");
    expect(got.others.unknown).toBe("model_not_found");
  });
});
