import { expect, it } from "vitest";
import { kinds } from "../kinds.ts";
import { load } from "./load.ts";
import { formatProblem } from "./problems.ts";

const route = (name: string, config = "") =>
  `routes: [{ name: a, route_type: mlflow/v1/predictions, model: { provider: mlflow-model-serving, name: "${name}"${config} } }]`;

it.each([
  ["mlflow: { format: legacy }", "models:/m@a", "", ["model.name: is of MLflow's registry; set mlflow.tracking_uri"]],
  [
    "mlflow: { token: t }",
    "m",
    ", config: { model_server_url: http://s }",
    ["mlflow.tracking_uri: missing; token is of no use without it"],
  ],
  ["", "models:/m@a", "", ["model.name: is of MLflow's registry; set mlflow.tracking_uri"]],
  ["mlflow: { tracking_uri: http://m }", "models:/m", "", ["model.name: want models:/name@alias"]],
  [
    "mlflow: { tracking_uri: http://m }",
    "models:/m/1",
    ", config: { model_server_url: http://s }",
    ["cannot stand beside a name of the registry"],
  ],
  ["mlflow: { tracking_uri: sqlite:///m.db }", "models:/m/1", "", ["mlflow.tracking_uri: want an address such as"]],
  [
    "mlflow: { tracking_uri: http://m, model_server_url: 'http://s/{run}' }",
    "models:/m/1",
    "",
    ["mlflow.model_server_url: want an address such as"],
  ],
  [
    "mlflow: { tracking_uri: http://m, username: ann }",
    "models:/m/1",
    "",
    ["mlflow.password: is needed with the other one"],
  ],
  ["mlflow: { tracking_uri: http://m, poll_interval: 0 }", "models:/m/1", "", ["mlflow.poll_interval"]],
  ["mlflow: { tracking_uri: http://m:5000/x/ }", "models:/m/Production", "", []],
])("%s with %s%s", async (head, name, more, words) => {
  const { problems } = await load({ file: "f", text: `${head}\n${route(name, more)}\n` }, { kinds });
  expect(problems.map(formatProblem)).toEqual(words.map((one) => expect.stringContaining(one)));
});
