/** A pyfunc model that asks the gateway, logged, loaded and asked as MLflow's guide does. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { startSimulator } from "./question.ts";
import { clientSuite, type Tool } from "./tools.ts";
import { askScript } from "./ways.ts";

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startSimulator();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

describe.each<[Tool, string]>([
  ["mlflow 2.8.1", "MLFLOW_GATEWAY_URI"],
  ["mlflow 2.22", "MLFLOW_DEPLOYMENTS_TARGET"],
  ["mlflow", "MLFLOW_DEPLOYMENTS_TARGET"],
])("a logged model", (tool, target) => {
  clientSuite(tool, `of ${tool}`, (python) => {
    it("is loaded and gives the gateway's completions for its rows, in their order", async () => {
      const folder = await mkdtemp(join(tmpdir(), "polygate-pyfunc-"));
      try {
        const got = await askScript<string[]>(python, "pyfunc_model.py", [folder], { [target]: gateway.url });
        expect(got).toEqual([
          expect.stringMatching(/^You said: "Tell me about Jupiter\."/),
          expect.stringMatching(/^You said: "Tell me about Saturn\."/),
        ]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
});
