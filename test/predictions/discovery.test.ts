/** Registered models that become routes by themselves, after a registry whose answers are scripted. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { createPolygate } from "../../src/client/index.ts";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { json as jsonAnswer } from "../support/canned.ts";
import { type Exchange, type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { keptLog } from "../support/log.ts";

interface Model {
  readonly name: string;
  readonly aliases?: readonly object[];
  readonly latest_versions?: readonly object[];
}

let registry: FakeUpstream;
let server: FakeUpstream;
let models: Model[];
let down: boolean;
let running: Running | undefined;

const champion = (name: string): Model => ({ name, aliases: [{ alias: "champion", version: "1" }] });
const inProduction = (name: string): Model => ({
  name,
  latest_versions: [{ version: "2", current_stage: "Production" }],
});

beforeEach(async () => {
  [registry, server] = await Promise.all([fakeUpstream(), fakeUpstream()]);
  server.always(jsonAnswer({ predictions: [1] }));
  models = [champion("iris"), inProduction("fraud"), { name: "unfinished" }];
  down = false;
  registry.always(answer);
});
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = undefined;
  await Promise.all([registry, server].map((one) => one.close()));
});

/** A model a page. */
function answer({ url }: Exchange): Script {
  if (down) return { status: 503, body: ["away"] };
  const { pathname, searchParams: query } = new URL(url, "http://registry");
  const path = pathname.replace("/api/2.0/mlflow/", "");
  if (path === "registered-models/search") {
    const page = Number(query.get("page_token") ?? "0");
    const more = page + 1 < models.length ? { next_page_token: String(page + 1) } : {};
    return jsonAnswer({ registered_models: models.slice(page, page + 1), ...more });
  }
  const name = query.get("name");
  if (path === "registered-models/alias") return jsonAnswer({ model_version: { name, version: "1" } });
  if (path === "registered-models/get-latest-versions") return jsonAnswer({ model_versions: [{ name, version: "2" }] });
  return { status: 404, body: ["{}"] };
}

const config = (more = "", routes = "") => `
mlflow:
  tracking_uri: "${registry.url}"
  poll_interval: 0.1
  model_server_url: "${server.url}/{model}/{version}"
  discover: ["*"]
${more}
routes: [${routes}]
`;
const names = () => running!.gateway.live.site.routes.map(({ name }) => name);
const ask = async (route: string) => {
  const sent = { method: "POST", headers: { "content-type": "application/json" }, body: '{"inputs": [1]}' };
  return (await fetch(`${running!.url}/predict/${route}`, sent)).status;
};
/** The site after the next change. */
const changed = () => new Promise<void>((resolve) => void running!.gateway.live.onChange(resolve));

it("each model with a champion or a version in production is a route, by the model's name", async () => {
  running = await runGateway(config());
  expect(names()).toEqual(["fraud", "iris"]);
  expect([await ask("iris"), await ask("fraud"), await ask("unfinished")]).toEqual([200, 200, 404]);
  expect(server.exchanges.map(({ url }) => url)).toEqual(["/iris/1/invocations", "/fraud/2/invocations"]);
  const list = (await (await fetch(`${running.url}/v1/models`)).json()) as { data: { id: string }[] };
  expect(list.data.map(({ id }) => id)).toEqual(["fraud", "iris"]);
  const { routes } = await createPolygate({ baseUrl: running.url }).routes.listRoutes({
    filter: 'source = "registry"',
  });
  expect(routes.map(({ name, source }) => [name, source?.owner])).toEqual([
    ["fraud", { case: "registry", value: true }],
    ["iris", { case: "registry", value: true }],
  ]);
});

it("what is added becomes a route and what is removed is one no more", async () => {
  running = await runGateway(config());
  const more = changed();
  models.push(champion("wine"));
  await more;
  expect(names()).toEqual(["fraud", "iris", "wine"]);
  const fewer = changed();
  models = models.filter(({ name }) => name !== "iris");
  await fewer;
  expect([names(), await ask("iris")]).toEqual([["fraud", "wine"], 404]);
});

it("a registry that is down takes no route away, over a reload either, and readiness says so", async () => {
  running = await runGateway(config());
  down = true;
  const readiness = async () => (await fetch(`${running!.url}/readyz`)).json();
  await expect.poll(readiness).toEqual({ status: "degraded", degraded: ["mlflow registry"] });
  expect(await running.reload(config("  token: t0ken-1"))).toBe(true);
  expect([names(), await ask("iris")]).toEqual([["fraud", "iris"], 200]);
});

it("globs choose models, and which alias or stage makes a route is the config's choice", async () => {
  models.push({ name: "iris-old", aliases: [{ alias: "champion" }, { alias: "blue" }] });
  running = await runGateway(
    config('  discover_by: ["@blue", Production]').replace('["*"]', '["iris*", "fra?d", "f*"]'),
  );
  expect(names()).toEqual(["fraud", "iris-old"]);
  const models_ = running.gateway.live.site.routes.flatMap(({ targets }) => targets.map(({ model }) => model));
  expect(models_).toEqual(["models:/fraud/2", "models:/iris-old/1"]);
});

it("a route of the file wins, and a name that no route may have is left out; both are told once", async () => {
  models.push(champion("no route"));
  const { log, lines } = keptLog();
  const own = "{ name: iris, route_type: llm/v1/chat, model: { provider: simulator } }";
  running = await runGateway(config("", own), log);
  expect(running.gateway.live.site.routes.map(({ name, routeType }) => [name, routeType])).toEqual([
    ["iris", "llm/v1/chat"],
    ["fraud", "mlflow/v1/predictions"],
  ]);
  const more = changed();
  models.push(champion("wine"));
  await more;
  const told = lines.filter((line) => line.includes("is not made a route")).map((line) => JSON.parse(line).problem);
  expect(told).toEqual([
    "the model iris is not made a route: the config has a route of this name",
    'the model "no route" is not made a route: its name is none for a route',
  ]);
});
