import { NotFoundError } from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { expectSame, question, reference, startSimulator, type Told } from "./question.ts";
import { clientSuite } from "./tools.ts";
import { askOpenaiNode, askOpenaiPython, askScript, openaiNode } from "./ways.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

it("answers OpenAI's SDK for Node, whole and as a stream", async () => {
  expectSame(await askOpenaiNode(gateway), want);
});

it.each(["/gateway/mlflow/v1", "/gateway/openai/v1"])("answers it at %s, where MLflow 3 does, too", async (api) => {
  expectSame(await askOpenaiNode(gateway, api), want);
});

it("gives it the routes at /gateway/mlflow/v1, and vectors at /gateway/openai/v1", async () => {
  const models: string[] = [];
  for await (const model of openaiNode(gateway, "/gateway/mlflow/v1").models.list()) models.push(model.id);
  expect(models).toEqual(["chat", "completions", "embeddings"]);
  const { embeddings } = openaiNode(gateway, "/gateway/openai/v1");
  const { data } = await embeddings.create({ model: "embeddings", input: ["a cat", "a cat!"] });
  expect(data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
});

it("gives OpenAI's SDK for Node models, embeddings, completions, and an error that it knows", async () => {
  const sdk = openaiNode(gateway);
  const models: string[] = [];
  for await (const model of sdk.models.list()) models.push(model.id);
  expect(models).toEqual(["chat", "completions", "embeddings"]);
  expect((await sdk.models.retrieve("chat")).id).toBe("chat");
  const { data } = await sdk.embeddings.create({ model: "embeddings", input: ["a cat", "a cat!"] });
  expect(data).toHaveLength(2);
  expect(data[0]!.embedding.length).toBeGreaterThan(1);
  const text = await sdk.completions.create({ model: "completions", prompt: "Once upon a time", max_tokens: 50 });
  expect(text.choices[0]!.text).not.toBe("");
  const messages = [...question.messages];
  const refused = sdk.chat.completions.create({ model: "no-such-route", ...question, messages });
  await expect(refused).rejects.toBeInstanceOf(NotFoundError);
  await expect(refused).rejects.toMatchObject({ code: "model_not_found", type: "invalid_request_error" });
});

clientSuite("Python with openai and grpcio", "OpenAI's SDK for Python", (python) => {
  it("gets the same answers", async () => {
    const got = await askOpenaiPython(python, gateway);
    expectSame(got, want);
    expect(got.others.models).toEqual(["chat", "completions", "embeddings"]);
    expect(got.others.dimensions[0]).toBeGreaterThan(1);
    expect(got.others.completion).not.toBe("");
    expect(got.others.unknown).toBe("model_not_found");
  });

  it("gets them at MLflow 3's own path", async () => {
    expectSame(await askScript(python, "openai_sdk.py", [gateway.url, "/gateway/mlflow/v1"]), want);
  });
});
