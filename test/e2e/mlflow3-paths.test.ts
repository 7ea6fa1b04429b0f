/** The paths of MLflow 3's gateway, in front of the simulator. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  const route = (name: string, type: string) =>
    `\n  - { name: ${name}, endpoint_type: llm/v1/${type}, model: { provider: simulator, name: sim } }`;
  gateway = await startGateway(`endpoints:${route("chat", "chat")}${route("vectors", "embeddings")}\n`);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const messages = [{ role: "user", content: "hi" }];
async function ask(method: string, path: string, body?: unknown) {
  const sent =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await fetch(gateway.url + path, { method, ...sent });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe("MLflow 3's paths answer in the words of their callers:", () => {
  it.each([
    ["/gateway/chat/mlflow/invocations", { messages }, "choices"],
    ["/gateway/vectors/mlflow/invocations", { input: "hi" }, "data"],
    ["/gateway/mlflow/v1/chat/completions", { model: "chat", messages }, "choices"],
    ["/gateway/openai/v1/chat/completions", { model: "chat", messages }, "choices"],
    ["/gateway/openai/v1/embeddings", { model: "vectors", input: "hi" }, "data"],
    ["/gateway/openai/v1/responses", { model: "chat", input: "hi" }, "output"],
    ["/gateway/anthropic/v1/messages", { model: "chat", max_tokens: 9, messages }, "stop_reason"],
    ["/gateway/gemini/v1beta/models/chat:generateContent", { contents: [{ parts: [{ text: "hi" }] }] }, "candidates"],
  ])("%s", async (path, body, member) => {
    const { status, json } = await ask("POST", path, body);
    expect([status, json]).toEqual([200, expect.objectContaining({ [member]: expect.anything() })]);
  });

  it.each(["/api/3.0/gateway/endpoint/chat", "/api/3.0/gateway/route/chat"])("%s", async (path) => {
    const { json } = await ask("GET", path);
    expect(json).toMatchObject({ name: "chat", endpoint_type: "llm/v1/chat", limit: null });
  });

  it("/gateway/mlflow/v1/models", async () => {
    const { json } = await ask("GET", "/gateway/mlflow/v1/models");
    expect((json["data"] as { id: string }[]).map(({ id }) => id)).toEqual(["chat", "vectors"]);
  });
});

describe("what is not there is refused in the words of its prefix:", () => {
  it.each([
    ["/gateway/openai/v1/files", { error: expect.objectContaining({ type: "invalid_request_error" }) }],
    ["/gateway/anthropic/v1/files", { type: "error", error: expect.anything() }],
    ["/gateway/gemini/v1beta/x", { error: expect.objectContaining({ status: "NOT_FOUND" }) }],
    ["/gateway/nobody/mlflow/invocations", { detail: "Not Found" }],
    ["/gateway/openai/v1/..%2f..%2fadmin", { error: expect.anything() }],
    ["/gateway/mlflow/v1/embeddings", { detail: "Not Found" }],
  ])("%s", async (path, told) => {
    const { status, json } = await ask("POST", path, {});
    expect([status, json]).toEqual([404, expect.objectContaining(told)]);
  });

  it("a route that nobody named, and one that does something else", async () => {
    const path = "/gateway/mlflow/v1/chat/completions";
    expect(await ask("POST", path, { model: "nope", messages })).toEqual({
      status: 400,
      json: { detail: "Route nope not found in the configuration." },
    });
    expect(await ask("POST", path, { model: "vectors", messages })).toEqual({
      status: 400,
      json: { detail: "Endpoint 'vectors' is not a chat endpoint." },
    });
  });
});
