import { expect, it } from "vitest";
import { load } from "./load.ts";
import { formatProblem } from "./problems.ts";
import { portsOf } from "./registry.ts";

const kinds = { provider: async () => undefined, names: () => [] };
const problemsOf = async (mlflow: string) => {
  const { problems } = await load({ file: "f.yaml", text: `mlflow: { ${mlflow} }\nroutes: []\n` }, { kinds });
  return problems.map(formatProblem);
};

it.each([
  ["tracking_uri: http://m, serve: local, local: { command: m, ports: 20000-20010, env: [A], args: [-w, '2'] }", []],
  ["tracking_uri: http://m, discover: ['*'], discover_by: ['@blue', Staging]", []],
  ["tracking_uri: http://m, model_server_url: 'http://a/{model}, http://b/{version}'", []],
  ["serve: local", ["tracking_uri: missing; serve is of no use without it"]],
  ["tracking_uri: http://m, serve: remote", ["serve: want one of"]],
  ["tracking_uri: http://m, local: { command: m }", ["local: is of no use without serve: local"]],
  ["tracking_uri: http://m, serve: local, url_tag: t", ["url_tag: is of no use beside serve: local"]],
  ["tracking_uri: http://m, serve: local, local: { ports: 9-8 }", ["local.ports: want ports such as 20000-20099"]],
  ["tracking_uri: http://m, discover_by: ['@a']", ["discover_by: is of no use without discover"]],
  ["tracking_uri: http://m, discover: ['*'], discover_by: ['a@b']", ["discover_by[0]"]],
  ["tracking_uri: http://m, model_server_url: 'http://a,b'", ["model_server_url: want an address"]],
  ["tracking_uri: http://m, model_server_url: 'http://a/?m={model}'", ["model_server_url: want an address"]],
])("mlflow: { %s } has the problems %j", async (text, wanted) => {
  const problems = await problemsOf(text);
  expect(problems.length).toBe(wanted.length);
  for (const [at, words] of wanted.entries()) expect(problems[at]).toContain(words);
});

it("a batch is for predictions", async () => {
  const text = "routes: [{ name: a, route_type: llm/v1/chat, model: { provider: p }, batch: { max_rows: 2 } }]";
  const { problems } = await load({ file: "f.yaml", text }, { kinds });
  expect(problems.map(formatProblem)).toEqual(
    expect.arrayContaining([
      "f.yaml:1:77 routes[0].batch: is for mlflow/v1/predictions, and the route is of type llm/v1/chat; remove it",
    ]),
  );
});

it("ports are a range or any", () => {
  expect([portsOf("20000-20099"), portsOf("")]).toEqual([[20000, 20099], undefined]);
});
