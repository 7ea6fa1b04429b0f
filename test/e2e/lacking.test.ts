import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway(`
routes:
  - name: vectors
    route_type: llm/v1/embeddings
    model: {provider: anthropic, name: claude-sonnet-4-5, config: {anthropic_api_key: sk-ant-test, base_url: "http://127.0.0.1:9"}}
`);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, Record<string, unknown>> };
};
const NAMES_WHAT_IT_HAS = /anthropic does not do embeddings .* it does chat and completions/;

it("loads a config whose provider lacks the operation, as MLflow does, and refuses its calls in the caller's words", async () => {
  const openai = await post("/v1/embeddings", { model: "vectors", input: "hi" });
  expect(openai.status).toBe(501);
  expect(openai.json["error"]!["message"]).toMatch(NAMES_WHAT_IT_HAS);
  const mlflow = await post("/gateway/vectors/invocations", { input: "hi" });
  expect(mlflow.status).toBe(501);
  expect(mlflow.json["detail"]).toMatch(NAMES_WHAT_IT_HAS);
  const connect = await post("/polygate.v1.EmbeddingsService/Embed", { model: "vectors", texts: { texts: ["hi"] } });
  expect(connect.json).toMatchObject({ code: "unimplemented" });
  expect(connect.json["message"]).toMatch(NAMES_WHAT_IT_HAS);
});

it("refuses an operation that the route is not for", async () => {
  const messages = [{ role: "user", content: "hi" }];
  const openai = await post("/v1/chat/completions", { model: "vectors", messages });
  expect(openai.status).toBe(501);
  const anthropic = await post(
    "/v1/messages",
    { model: "vectors", messages, max_tokens: 5 },
    { "anthropic-version": "2023-06-01" },
  );
  expect(anthropic.json).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
  const google = await post("/v1beta/models/vectors:generateContent", { contents: [{ parts: [{ text: "hi" }] }] });
  expect(google.json["error"]).toMatchObject({ code: 501, status: "UNIMPLEMENTED" });
  for (const { json } of [openai, anthropic, google]) expect(json["error"]!["message"]).toMatch(/llm\/v1\/embeddings/);
});
