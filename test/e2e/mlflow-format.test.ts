/** `mlflow.format`: what callers of MLflow's paths get who do not give away how old they are. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  const model = "route_type: llm/v1/chat, model: { provider: simulator, name: sim }";
  gateway = await startGateway(`
mlflow: { format: legacy }
routes:
  - { name: old, ${model} }
  - { name: new, ${model}, mlflow: { format: modern } }
  - { name: auto, ${model}, mlflow: { format: auto } }
`);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

it.each([
  ["old", {}, undefined, "candidates"],
  ["old", { n: 1 }, undefined, "choices"],
  ["old", {}, "mlflow-python-client/2.22.5", "choices"],
  ["old", {}, "mlflow-python-client/3.1.0", "choices"],
  ["new", {}, undefined, "choices"],
  ["auto", {}, undefined, "choices"],
  ["new", { candidate_count: 1 }, undefined, "candidates"],
  ["new", {}, "mlflow-python-client/2.8.1", "candidates"],
])("%s, asked with %j by %s, answers with %s", async (route, more, agent, member) => {
  const response = await fetch(`${gateway.url}/gateway/${route}/invocations`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(agent && { "user-agent": agent }) },
    body: JSON.stringify({ messages: [{ role: "user", content: "hi" }], ...more }),
  });
  expect([response.status, Object.keys((await response.json()) as object)]).toEqual([
    200,
    expect.arrayContaining([member]),
  ]);
});
