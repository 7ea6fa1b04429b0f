import { expect, it } from "vitest";
import type { Door } from "../core/site.ts";
import { kinds } from "../kinds.ts";
import { loadProtocols } from "../registry.ts";
import { load } from "./load.ts";
import { isReserved } from "./paths.ts";
import { formatProblem } from "./problems.ts";

const HEAD = "mlflow: { tracking_uri: http://mlflow:5000 }";
const AUTH = `${HEAD}\nauth: { keys: [{ name: ann, sha256: "${"a".repeat(64)}" }] }`;

async function read(entries: string, head = HEAD) {
  const text = `${head}\ngateway_routes:\n${entries}\n`;
  const { config, problems, warnings, policies } = await load({ file: "f", text }, { kinds });
  return { config, policies, problems: problems.map(formatProblem), warnings: warnings.map(formatProblem) };
}
const entry = (more = "") => `- path: /predict/sentiment\n  model_name: mood\n${more && `  ${more}\n`}`;

it("reads the form of the articles", async () => {
  const { config, policies, problems, warnings } = await read(
    `${entry()}  model_version: "Production"
  authentication: required
  rate_limit: "100req/min"
  cache_enabled: false
  prompt_template: null
  safety_filters: []
  token_limit: off`,
    AUTH,
  );
  expect([problems, warnings]).toEqual([[], []]);
  const [route] = config.routes;
  expect(route).toMatchObject({
    name: "sentiment",
    routeType: "mlflow/v1/predictions",
    path: "/predict/sentiment",
    model: { provider: "mlflow-model-serving", name: "models:/mood/Production" },
  });
  expect(policies.get(route!)).toMatchObject([
    { kind: "rate_limit", settings: { calls: 100, renewalPeriod: "1 minute" } },
  ]);
});

it.each([
  ["", "models:/mood/latest"],
  ["Production", "models:/mood/Production"],
  ["champion", "models:/mood@champion"],
  ['"@champion"', "models:/mood@champion"],
  ["production", "models:/mood@production"],
  ["3", "models:/mood/3"],
  ['"3"', "models:/mood/3"],
  ["v3", "models:/mood/3"],
  ["latest", "models:/mood/latest"],
])("reads the version %s as %s", async (version, name) => {
  const { config, problems } = await read(entry(`model_version: ${version}`));
  expect(problems).toEqual([]);
  expect(config.routes[0]!.model!.name).toBe(name);
});

it.each([
  ["100req/min", [100, "1 minute"]],
  ["5/s", [5, "1 second"]],
  ["1000 requests per day", [1000, "1 day"]],
  ["10 calls / 5 minutes", [10, "5 minute"]],
  ["{ calls: 7, renewal_period: hour }", [7, "hour"]],
])("reads the rate %s", async (rate, [calls, renewalPeriod]) => {
  const { config, policies, problems } = await read(entry(`rate_limit: ${rate}`));
  expect(problems).toEqual([]);
  expect(policies.get(config.routes[0]!)).toMatchObject([{ settings: { calls, renewalPeriod } }]);
});

it.each([
  ["cache_enabled: true", "cache_enabled: answers are not cached here; remove it, or write false"],
  [
    "prompt_template: 'Say {{text}}'",
    "prompt_template: prompts are not made from templates here; remove it, or write false",
  ],
  ["token_limit: 4096", "token_limit: tokens are not limited here; remove it, or write false"],
  ["safety_filters: [pii]", "safety_filters: nothing is filtered here; remove it, or write false"],
  ["rate_limit: fast", 'rate_limit: want calls in a period, such as 100req/min, have "fast"'],
  ["rate_limit: 100", "rate_limit: want calls in a period, such as 100req/min, have 100"],
  ["authentication: true", "authentication: asks for a key, and the file has none; list keys under auth"],
  [
    "authentication: oauth2",
    'authentication: callers are known by keys alone; want true, api_key or false, have "oauth2"',
  ],
  [
    "authentication: { type: jwt }",
    "authentication: callers are known by keys alone; want true, api_key or false, have a table",
  ],
  [
    "authentication: sk-0123456789abcdef",
    "authentication: callers are known by keys alone; want true, api_key or false, have a text",
  ],
  ["model_version: a/b", 'model_version: want a stage, an alias or a number, have "a/b"'],
])("refuses %s by name, at its line", async (member, problem) => {
  const { problems } = await read(entry(member));
  expect(problems).toEqual([expect.stringMatching(/^f:5:\d+ /)]);
  expect(problems[0]!.replace(/^\S+ /, "")).toBe(`gateway_routes[0].${problem}`);
});

it.each(["cache_enabled: no", "token_limit: off", "safety_filters: []", "rate_limit: no", "prompt_template: ''"])(
  "takes %s for off",
  async (member) => expect((await read(entry(member))).problems).toEqual([]),
);

it.each(["yes", "on", "true", "{ type: bearer }"])("takes authentication: %s for the file's keys", async (word) => {
  expect(await read(entry(`authentication: ${word}`), AUTH)).toMatchObject({ problems: [], warnings: [] });
});

it("warns of authentication that is off while the file has keys", async () => {
  const { problems, warnings } = await read(entry("authentication: none"), AUTH);
  expect([problems, warnings]).toEqual([
    [],
    ["f:6:3 gateway_routes[0].authentication: off, and a key is asked for all the same: auth holds for every route"],
  ]);
});

it("names what is missing, and leaves other keys to the usual rules", async () => {
  expect((await read("- path: /predict/a")).problems).toEqual([
    "f:3:3 gateway_routes[0].model_name: missing; name a model of MLflow's registry",
  ]);
  expect((await read("- model_name: mood")).problems).toEqual(["f:3:3 gateway_routes[0].name: missing; add it"]);
  expect((await read(entry("model: { provider: simulator }"))).problems).toEqual([
    "f:4:15 gateway_routes[0].model_name: cannot stand beside model; remove one of them",
  ]);
  expect((await read(entry("strikt: true"))).problems).toEqual([
    "f:5:3 gateway_routes[0].strikt: unknown key; did you mean strict?",
  ]);
  expect((await read(entry(), "listen: {}")).problems).toEqual([
    "f:4:15 gateway_routes[0].model.name: is of MLflow's registry; set mlflow.tracking_uri",
  ]);
});

it("calls a route by its path, or by the name that it has", async () => {
  const { config, problems } = await read(
    `- { path: /models/eu/churn, model_name: a }\n- { name: b, path: /b, model_name: b }`,
  );
  expect(problems).toEqual([]);
  expect(config.routes.map(({ name, path }) => [name, path])).toEqual([
    ["models-eu-churn", "/models/eu/churn"],
    ["b", "/b"],
  ]);
});

it.each([
  ["/v1/chat/completions", "is the gateway's own; take one such as /predict/sentiment"],
  ["/health", "is the gateway's own; take one such as /predict/sentiment"],
  ["/predict/other", 'the route "other" is called there; take another'],
  ["/mine", 'the route "other" is called there; take another'],
  ["/a/../b", "clients take . and .. out of a path before they send it; write it without them"],
  ["/a/.", "clients take . and .. out of a path before they send it; write it without them"],
])("refuses the path %s", async (path, message) => {
  const { problems } = await read(
    `- { name: other, path: /mine, model_name: a }\n- { name: b, path: ${path}, model_name: b }`,
  );
  expect(problems).toEqual([`f:4:20 gateway_routes[1].path: ${message}`]);
});

it("keeps paths to routes of predictions", async () => {
  const { problems } = await read("- { name: a, path: /a, route_type: llm/v1/chat, model_name: a }");
  expect(problems).toEqual([
    "f:3:20 gateway_routes[0].path: is for routes of type mlflow/v1/predictions alone; remove it",
  ]);
});

it("holds every path of the gateway's own reserved", async () => {
  const door = { site: { routes: [] }, onChange: () => () => {} } as unknown as Door;
  const mounts = (await loadProtocols()).flatMap((one) => one.mounts(door));
  const paths = mounts
    .flatMap(({ endpoints }) => endpoints.map(({ path }) => path))
    .filter((path) => !path.startsWith("/predict/"));
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !isReserved(path.replaceAll(/\{\w+\}/g, "x")))).toEqual([]);
  expect(["/predict/a", "/api/v1/a", "/models/a", "/v2/a", "/healthy"].filter(isReserved)).toEqual([]);
});
