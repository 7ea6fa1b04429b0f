import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { question, reference, startSimulator, type Told, toldOf } from "./question.ts";
import { client, clientSuite, run } from "./tools.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const TYPES = [
  { name: "chat", type: "llm/v1/chat" },
  { name: "completions", type: "llm/v1/completions" },
  { name: "embeddings", type: "llm/v1/embeddings" },
];

const urls = () => TYPES.map((route) => ({ ...route, url: `${gateway.url}/gateway/${route.name}/invocations` }));

/** MLflow's chat answer in either of its forms: `candidates` until 2.8, `choices` from 2.9 on. */
function toldByMlflow(answer: Record<string, unknown>): Told {
  if ("choices" in answer) return toldOf(answer);
  const { candidates, metadata } = answer as unknown as OldAnswer;
  return {
    text: candidates[0]!.message.content,
    finish: candidates[0]!.metadata.finish_reason,
    usage: {
      prompt_tokens: metadata.input_tokens,
      completion_tokens: metadata.output_tokens,
      total_tokens: metadata.total_tokens,
    },
  };
}

interface OldAnswer {
  readonly candidates: readonly {
    readonly message: { readonly content: string };
    readonly metadata: { readonly finish_reason: string };
  }[];
  readonly metadata: { readonly input_tokens: number; readonly output_tokens: number; readonly total_tokens: number };
}

const script = async (python: string, name: string) =>
  JSON.parse(
    await run(python, [client(name), gateway.url], {
      input: JSON.stringify(question),
      env: { MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0", GIT_PYTHON_REFRESH: "quiet" },
    }),
  );

clientSuite("mlflow 2.8.1", "MlflowGatewayClient of mlflow 2.8.1", (python) => {
  it("finds the routes and gets the same answer", async () => {
    const got = await script(python, "mlflow_gateway.py");
    expect(got.routes).toEqual(urls());
    expect(got.route).toEqual({ name: "chat", provider: "simulator", model: "simulator" });
    expect(toldByMlflow(got.chat)).toEqual(want);
    const vectors = got.embeddings.embeddings ?? got.embeddings.data;
    expect(vectors).toHaveLength(2);
    expect((got.completions.candidates ?? got.completions.choices)[0].text).not.toBe("");
  });
});

clientSuite("mlflow", "mlflow.deployments of a current mlflow", (python) => {
  it("finds the endpoints and gets the same answer", async () => {
    const got = await script(python, "mlflow_deployments.py");
    expect(got.endpoints).toEqual(urls());
    expect(got.endpoint).toEqual({ name: "chat", provider: "simulator", model: "simulator" });
    expect(toldOf(got.chat)).toEqual(want);
    expect(got.embeddings.data).toHaveLength(2);
    expect(got.completions.choices[0].text).not.toBe("");
  });
});
