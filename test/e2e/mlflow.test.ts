import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { reference, startSimulator, type Told } from "./question.ts";
import { clientSuite, type Tool } from "./tools.ts";
import { askMlflow, askScript, type MlflowAnswers, toldByMlflow } from "./ways.ts";

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

clientSuite("mlflow 2.8.1", "mlflow 2.8.1", (python) => {
  const found = (got: MlflowAnswers) => {
    expect(got.routes).toEqual(routes());
    expect(got.route).toEqual({ name: "chat", provider: "simulator", model: "simulator" });
    expect(toldByMlflow(got.chat)).toEqual(want);
    expect(got.chat).toHaveProperty("candidates");
    expect(got.embeddings["embeddings"]).toHaveLength(2);
    expect(got.completions["candidates"]).toMatchObject([{ text: expect.stringMatching(/./) }]);
  };

  it("finds the routes by MlflowGatewayClient and gets the same answer, in the form of its time", async () => {
    found(await askMlflow(python, "mlflow_gateway.py", gateway));
  });

  it.each([
    ["set_gateway_uri", true],
    ["MLFLOW_GATEWAY_URI", false],
  ])("does so by the fluent API, where %s says where", async (_, byCall) => {
    const { url } = gateway;
    const [args, env] = byCall ? [[url], {}] : [[], { MLFLOW_GATEWAY_URI: url }];
    const got = await askScript<Fluent>(python, "mlflow_fluent.py", args, env);
    found(got);
    const refused = (status: number, text: RegExp) => ({
      error: "HTTPError",
      status,
      text: expect.stringMatching(text),
    });
    expect(got.refused).toEqual({
      unknown: refused(404, /The route 'nobody' is not present or active on the server/),
      invalid: refused(422, /"loc":\["body","messages"\],"msg":"Field required"/),
      hot: refused(422, /Input should be less than or equal to 1"/),
      get_limits: refused(501, /The get_limits API/),
      set_limits: refused(501, /The set_limits API/),
      // MLflow's client refuses by itself.
      create_route: { error: "MlflowException", status: null, text: expect.stringMatching(/Databricks/) },
    });
  });
});

interface Fluent extends MlflowAnswers {
  readonly refused: unknown;
}

describe.each<Tool>(["mlflow 2.22", "mlflow"])("mlflow.deployments", (version) => {
  clientSuite(version, version === "mlflow" ? "of a current mlflow" : `of ${version}`, (python) => {
    it("finds the endpoints and gets the same answer", async () => {
      const got = await askMlflow(python, "mlflow_deployments.py", gateway);
      expect(got.routes).toEqual(routes());
      expect(got.route).toEqual({ name: "chat", provider: "simulator", model: "simulator" });
      expect(toldByMlflow(got.chat)).toEqual(want);
      expect(got.embeddings["data"]).toHaveLength(2);
      expect(got.completions["choices"]).toMatchObject([{ text: expect.stringMatching(/./) }]);
    });
  });
});
