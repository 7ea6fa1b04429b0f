import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { reference, startSimulator, type Told } from "./question.ts";
import { clientSuite } from "./tools.ts";
import { askMlflow, toldByMlflow } from "./ways.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const routes = () =>
  ["chat", "completions", "embeddings"].map((name) => ({
    name,
    type: `llm/v1/${name}`,
    url: `${gateway.url}/gateway/${name}/invocations`,
  }));

clientSuite("mlflow 2.8.1", "MlflowGatewayClient of mlflow 2.8.1", (python) => {
  it("finds the routes and gets the same answer, in the form of its time", async () => {
    const got = await askMlflow(python, "mlflow_gateway.py", gateway);
    expect(got.routes).toEqual(routes());
    expect(got.route).toEqual({ name: "chat", provider: "simulator", model: "simulator" });
    expect(toldByMlflow(got.chat)).toEqual(want);
    expect(got.chat).toHaveProperty("candidates");
    expect(got.embeddings["embeddings"]).toHaveLength(2);
    expect(got.completions["candidates"]).toMatchObject([{ text: expect.stringMatching(/./) }]);
  });
});

clientSuite("mlflow", "mlflow.deployments of a current mlflow", (python) => {
  it("finds the endpoints and gets the same answer", async () => {
    const got = await askMlflow(python, "mlflow_deployments.py", gateway);
    expect(got.routes).toEqual(routes());
    expect(got.route).toEqual({ name: "chat", provider: "simulator", model: "simulator" });
    expect(toldByMlflow(got.chat)).toEqual(want);
    expect(got.embeddings["data"]).toHaveLength(2);
    expect(got.completions["choices"]).toMatchObject([{ text: expect.stringMatching(/./) }]);
  });
});
