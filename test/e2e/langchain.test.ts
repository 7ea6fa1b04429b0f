/** LangChain's classes for MLflow, of MLflow 2.8's time and of today, and its ChatOpenAI. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { type Both, expectSame, reference, startSimulator, type Told } from "./question.ts";
import { clientSuite } from "./tools.ts";
import { askScript } from "./ways.ts";

let gateway: Gateway;
let want: Told;

beforeAll(async () => {
  gateway = await startSimulator();
  want = await reference(gateway.url);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const COMPLETION = {
  completion: expect.stringMatching(/^You said: "Once upon a time" \(simulated/),
  stopped: 'You said: "Once upon a time" ',
};
const CALLS_WEATHER = { name: "get_weather", args: { city: "str", days: "int" } };

clientSuite("mlflow 2.8.1", "langchain 0.0.343", (python) => {
  it("asks by MlflowAIGateway, ChatMLflowAIGateway and MlflowAIGatewayEmbeddings", async () => {
    expect(await askScript(python, "chat_gateway.py", [gateway.url])).toEqual({
      text: want.text,
      finish: want.finish,
      several: 2,
      ...COMPLETION,
      dimensions: [256, 256],
    });
  });
});

clientSuite("mlflow", "a current langchain-community", (python) => {
  it("asks by Mlflow, ChatMlflow and MlflowEmbeddings, with tools", async () => {
    expect(await askScript(python, "chat_mlflow.py", [gateway.url])).toEqual({
      text: want.text,
      several: 2,
      call: CALLS_WEATHER,
      ...COMPLETION,
      dimensions: [256, 256],
      query: true,
    });
  });
});

clientSuite("mlflow", "ChatOpenAI of a current langchain-openai", (python) => {
  it.each(["/v1", "/gateway/mlflow/v1", "/gateway/openai/v1"])("asks at %s, streams and calls tools", async (api) => {
    const got = await askScript<Both & { called: unknown; after: string }>(python, "chat_openai.py", [
      gateway.url + api,
    ]);
    expectSame(got, want);
    expect(got.called).toEqual([[CALLS_WEATHER], [CALLS_WEATHER]]);
    expect(got.after).toMatch(/^The tool said: .*days of rain/);
  });
});
