/** What goes wrong, as mlflow.deployments tells it: before a provider that is busy, that fails once, and that is silent. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHAT_TEXT, canned, json } from "../support/canned.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { clientSuite, type Tool } from "./tools.ts";
import { askScript } from "./ways.ts";

/** One for each endpoint, so that each is asked by itself. */
let providers: Record<"busy" | "tired" | "slow", FakeUpstream>;
let gateway: Gateway;

beforeAll(async () => {
  const failing = (status: number, headers = {}) => json({ error: { message: `I am ${status}.` } }, status, headers);
  const tired = await fakeUpstream((exchange) => (tired.hits % 2 === 1 ? failing(503) : canned(exchange)));
  providers = {
    busy: await fakeUpstream(failing(429, { "retry-after": "1" })),
    tired,
    slow: await fakeUpstream({ hold: new Promise(() => undefined) }),
  };
  const endpoint = (name: string, type: string, model: string) =>
    `  - { name: ${name}, endpoint_type: llm/v1/${type}, model: ${model} }`;
  const simulator = "{ provider: simulator, name: simulator }";
  const faulty = Object.entries(providers).map(([name, { url }]) => {
    const config = `{ openai_api_key: sk-of-the-gateway, openai_api_base: "${url}/v1" }`;
    return endpoint(name, "chat", `{ provider: openai, name: gpt, config: ${config} }`);
  });
  const rest = [endpoint("chat", "chat", simulator), endpoint("embeddings", "embeddings", simulator)];
  gateway = await startGateway(`endpoints:\n${[...faulty, ...rest].join("\n")}\n`);
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  for (const one of Object.values(providers ?? {})) await one.close();
});

describe.each<Tool>(["mlflow 2.22", "mlflow"])("mlflow.deployments", (version) => {
  clientSuite(version, version === "mlflow" ? "of a current mlflow" : `of ${version}`, (python) => {
    it("raises what it would of MLflow's gateway, and comes back where that helps", async () => {
      const before = { busy: providers.busy.hits, tired: providers.tired.hits };
      const env = { MLFLOW_HTTP_REQUEST_MAX_RETRIES: "1", MLFLOW_DEPLOYMENT_PREDICT_TIMEOUT: "2" };
      const got = await askScript<Record<string, unknown>>(python, "mlflow_refusals.py", [gateway.url], env);
      const raised = (status: number, text: RegExp) => ({
        error: "HTTPError",
        status,
        text: expect.stringMatching(text),
      });
      expect(got).toEqual({
        unknown: raised(404, /The endpoint 'nobody' is not present or active on the server/),
        unknown_call: raised(404, /Not Found/),
        invalid: raised(422, /"messages"\],"msg":"Field required"/),
        other_type: raised(422, /"input"\],"msg":"Field required"/),
        busy: raised(429, /I am 429\./),
        tired: {
          answer: expect.objectContaining({ choices: [expect.objectContaining({ message: said(CHAT_TEXT) })] }),
        },
        slow: { error: "MlflowException", status: null, text: expect.stringMatching(/ timed out/) },
        create: { error: "NotImplementedError", status: null, text: "" },
      });
      // The first time and the client's second: the gateway adds none of its own.
      expect(providers.busy.hits - before.busy).toBe(2);
      expect(providers.tired.hits - before.tired).toBe(2);
    });
  });
});

const said = (content: string) => expect.objectContaining({ role: "assistant", content });
