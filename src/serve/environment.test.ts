import { expect, it } from "vitest";
import { environmentOf } from "./environment.ts";

it("passes on what a model needs, what the config names and what is its own, and no key of the gateway's", () => {
  const from = {
    PATH: "/bin",
    LC_ALL: "C",
    MLFLOW_X: "1",
    AWS_REGION: "r",
    OPENAI_API_KEY: "k",
    FEATURES: "f",
    EMPTY: undefined,
  };
  expect(environmentOf(from, ["FEATURES", "ABSENT"], { PATH: "/venv:/bin" })).toEqual({
    PATH: "/venv:/bin",
    LC_ALL: "C",
    MLFLOW_X: "1",
    AWS_REGION: "r",
    FEATURES: "f",
  });
});
