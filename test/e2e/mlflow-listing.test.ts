/** More routes than MLflow tells in one page, at a gateway that asks for a key. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { clientSuite, type Tool } from "./tools.ts";
import { askScript } from "./ways.ts";

const COUNT = 3001;
let gateway: Gateway;

beforeAll(async () => {
  const route = (at: number) =>
    `  - { name: chat${at}, route_type: llm/v1/chat, model: { provider: simulator, name: simulator } }`;
  const routes = Array.from({ length: COUNT }, (_, at) => route(at)).join("\n");
  gateway = await startGateway(`auth: { keys: [{ name: ann, key: $KEY_OF_ANN }] }\nroutes:\n${routes}\n`, {
    env: { KEY_OF_ANN: "the-long-key-of-ann" },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe.each<Tool>(["mlflow 2.8.1", "mlflow 2.22", "mlflow"])("a client", (tool) => {
  clientSuite(tool, `of ${tool}`, (python) => {
    it.each([
      ["MLFLOW_TRACKING_TOKEN", { MLFLOW_TRACKING_TOKEN: "the-long-key-of-ann" }, { count: COUNT, last: "chat3000" }],
      [
        "MLFLOW_TRACKING_PASSWORD",
        { MLFLOW_TRACKING_USERNAME: "ann", MLFLOW_TRACKING_PASSWORD: "the-long-key-of-ann" },
        { count: COUNT, last: "chat3000" },
      ],
      ["no key", {}, { status: 401 }],
    ])("with %s", async (_, env, want) => {
      expect(await askScript(python, "mlflow_listing.py", [gateway.url], env)).toEqual(want);
    });
  });
});
