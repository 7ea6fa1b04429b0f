/** Routes that follow a registry whose answers are scripted, in front of model servers that say which one they are. */

import { createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PredictionService } from "../../gen/polygate/v1/predictions_pb.js";
import { type Running, runGateway } from "../lifecycle/gateway.ts";
import { json as jsonAnswer } from "../support/canned.ts";
import { type Exchange, type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { failure, WIRES } from "../support/rpc.ts";

const INPUTS = JSON.stringify([{ type: "double", name: "width", required: true }]);
const MLMODEL = `flavors: {}\nsignature:\n  inputs: '${INPUTS}'\n  outputs: null\n`;

/** What the registry says: versions by alias and stage, and where each is served. */
interface Said {
  readonly aliases: Record<string, string>;
  readonly stages: Record<string, string>;
  readonly urls: Record<string, string>;
}

let registry: FakeUpstream;
let servers: FakeUpstream[];
let said: Said;
let down: boolean;
let running: Running | undefined;

beforeEach(async () => {
  [registry, ...servers] = await Promise.all([fakeUpstream(), fakeUpstream(), fakeUpstream()]);
  servers.forEach((server, at) => {
    server.always(jsonAnswer({ predictions: [at + 1] }));
  });
  said = { aliases: { champion: "1" }, stages: { Production: "1" }, urls: { 1: servers[0]!.url, 2: servers[1]!.url } };
  down = false;
  registry.always(answer);
});
afterEach(async () => {
  await running?.[Symbol.asyncDispose]();
  running = undefined;
  await Promise.all([registry, ...servers].map((one) => one.close()));
});

function answer({ url }: Exchange): Script {
  if (down) return jsonAnswer({ error_code: "TEMPORARILY_UNAVAILABLE", message: "the database is away" }, 503);
  const { pathname, searchParams: query } = new URL(url, "http://registry");
  const version = (number: string | undefined) => {
    if (number === undefined) return undefined;
    const tags = said.urls[number] ? [{ key: "model_server_url", value: said.urls[number] }] : [];
    return { name: query.get("name"), version: number, tags };
  };
  const found = (one: object | undefined) =>
    one
      ? jsonAnswer({ model_version: one })
      : jsonAnswer({ error_code: "RESOURCE_DOES_NOT_EXIST", message: "Not there." }, 404);
  switch (pathname.replace("/mlflow/api/2.0/mlflow", "")) {
    case "/registered-models/alias":
      return found(version(said.aliases[query.get("alias")!]));
    case "/model-versions/get":
      return found(version(query.get("version")!));
    case "/registered-models/get-latest-versions": {
      const stage = query.get("stages");
      const all = Object.entries(said.stages).filter(([name]) => stage === null || name === stage);
      return jsonAnswer({ model_versions: all.map(([, number]) => version(number)) });
    }
    default:
      return { status: 200, body: [MLMODEL] };
  }
}

const config = (name: string, more = "") => `
log: { level: silent }
egress: { allow: [127.0.0.1] }
mlflow: { tracking_uri: "${registry.url}/mlflow", poll_interval: 0.1${more} }
routes:
  - { name: iris, route_type: mlflow/v1/predictions, model: { provider: mlflow-model-serving, name: "${name}" } }
`;
async function ask(body = '{"dataframe_records": [{"width": 1}]}') {
  const sent = { method: "POST", headers: { "content-type": "application/json" }, body };
  const reply = await fetch(`${running!.url}/predict/iris`, sent);
  return {
    status: reply.status,
    by: reply.headers.get("x-polygate-served"),
    json: (await reply.json()) as Record<string, unknown>,
  };
}
const readiness = async () => (await fetch(`${running!.url}/readyz`)).json();
const changed = () => new Promise<void>((resolve) => void running!.gateway.live.onChange(resolve));
/** Looks until it is so; each look takes a round trip. */
async function until(what: unknown, look: () => Promise<unknown>): Promise<void> {
  while (JSON.stringify(await look()) !== JSON.stringify(what)) await new Promise(setImmediate);
}

describe("a name of the registry", () => {
  it.each([
    ["models:/iris@champion", "/api/2.0/mlflow/registered-models/alias?name=iris&alias=champion"],
    ["models:/iris/Production", "/api/2.0/mlflow/registered-models/get-latest-versions?name=iris&stages=Production"],
    ["models:/iris/latest", "/api/2.0/mlflow/registered-models/get-latest-versions?name=iris"],
    ["models:/iris/1", "/api/2.0/mlflow/model-versions/get?name=iris&version=1"],
  ])("%s leads to where its version is served", async (name, path) => {
    running = await runGateway(config(name));
    const [first] = registry.exchanges;
    expect([first!.method, first!.url]).toEqual(["GET", `/mlflow${path}`]);
    expect(await ask()).toMatchObject({
      status: 200,
      by: "route=iris; provider=mlflow-model-serving; model=models%3A%2Firis%2F1; target=0; attempt=1; revision=1",
      json: { predictions: [1] },
    });
  });

  it.each([
    [", token: t0ken-1", "Bearer t0ken-1"],
    [", username: ann, password: s3cret-1", `Basic ${Buffer.from("ann:s3cret-1").toString("base64")}`],
  ])("is asked for with the credential%s", async (more, authorization) => {
    running = await runGateway(config("models:/iris@champion", more));
    expect(registry.exchanges.map(({ headers }) => headers.authorization)).toEqual([authorization, authorization]);
  });

  it("without a tag is served where the template says", async () => {
    said.urls[1] = "";
    running = await runGateway(
      config("models:/iris@champion", `, model_server_url: "${servers[1]!.url}/{model}/v{version}"`),
    );
    expect(await ask()).toMatchObject({ json: { predictions: [2] } });
    expect((await servers[1]!.exchange(0)).url).toBe("/iris/v1/invocations");
  });

  it("with a tag of a private address that nobody allowed is not dialed", async () => {
    running = await runGateway(config("models:/iris@champion").replace("[127.0.0.1]", "[]"));
    expect(await ask()).toMatchObject({ status: 503, json: { error_code: "TEMPORARILY_UNAVAILABLE" } });
    expect(servers[0]!.hits).toBe(0);
  });
});

describe("a route by alias", () => {
  it("follows it there and back, and a call under way ends where it began", async () => {
    running = await runGateway(config("models:/iris@champion"));
    const held = Promise.withResolvers<void>();
    servers[0]!.next({ ...jsonAnswer({ predictions: [1] }), hold: held.promise });
    const slow = ask();
    await servers[0]!.exchange(0);
    said.aliases["champion"] = "2";
    await changed();
    expect(await ask()).toMatchObject({
      by: expect.stringContaining("model=models%3A%2Firis%2F2;"),
      json: { predictions: [2] },
    });
    held.resolve();
    expect(await slow).toMatchObject({ status: 200, json: { predictions: [1] } });
    said.aliases["champion"] = "1";
    await changed();
    expect(await ask()).toMatchObject({ json: { predictions: [1] } });
  });

  it("goes on with what it knew while the registry is down, and says so", async () => {
    running = await runGateway(config("models:/iris@champion"));
    expect(await readiness()).toEqual({ status: "ready" });
    down = true;
    await until({ status: "degraded", degraded: ["mlflow registry"] }, readiness);
    expect((await fetch(`${running.url}/readyz`)).status).toBe(200);
    expect(await ask()).toMatchObject({ status: 200, json: { predictions: [1] } });
    // A reload in the meantime forgets nothing.
    expect(await running.reload(config("models:/iris@champion", ", username: a, password: b"))).toBe(true);
    expect(await ask()).toMatchObject({ status: 200, json: { predictions: [1] } });
    said.aliases["champion"] = "2";
    down = false;
    await changed();
    expect(await readiness()).toEqual({ status: "ready" });
    expect(await ask()).toMatchObject({ json: { predictions: [2] } });
  });

  it("starts without a registry, refuses its calls, and begins when there is one", async () => {
    down = true;
    running = await runGateway(config("models:/iris@champion"));
    const refused = await ask();
    expect(refused).toMatchObject({ status: 503, json: { error_code: "TEMPORARILY_UNAVAILABLE" } });
    expect(refused.json["message"]).toContain('where "models:/iris@champion" is served');
    down = false;
    await changed();
    expect(await ask()).toMatchObject({ status: 200 });
  });

  it("keeps its version when the alias moves to an address that no tag may name, and says so", async () => {
    const mine = `, model_server_url: "${servers[0]!.url}"`;
    said.urls[1] = "";
    running = await runGateway(config("models:/iris@champion", mine).replace("[127.0.0.1]", "[]"));
    said.aliases["champion"] = "2";
    await until({ status: "degraded", degraded: ["models:/iris@champion"] }, readiness);
    expect(await ask()).toMatchObject({ status: 200, json: { predictions: [1] } });
  });

  it("keeps its version when the alias is gone, and names what is missing", async () => {
    running = await runGateway(config("models:/iris@champion"));
    delete said.aliases["champion"];
    await until({ status: "degraded", degraded: ["models:/iris@champion"] }, readiness);
    expect(await ask()).toMatchObject({ status: 200 });
  });
});

describe("two versions of a model", () => {
  const two = (champion: number, challenger: number) => `
log: { level: silent }
egress: { allow: [127.0.0.1] }
mlflow: { tracking_uri: "${registry.url}/mlflow", poll_interval: 0.1 }
routes:
- name: iris
  route_type: mlflow/v1/predictions
  targets:
  - { weight: ${champion}, model: { provider: mlflow-model-serving, name: "models:/iris@champion" } }
  - { weight: ${challenger}, model: { provider: mlflow-model-serving, name: "models:/iris@challenger" } }
`;
  /** How often each version answers ten calls. */
  const tens = async () => {
    const counts: Record<string, number> = {};
    for (let call = 0; call < 10; call++) {
      const { by } = await ask();
      const version = /model=models%3A%2Firis%2F(\d); target=\d; attempt=1/.exec(by ?? "")?.[1] ?? String(by);
      counts[version] = (counts[version] ?? 0) + 1;
    }
    return counts;
  };
  let drawn = 0;
  const evenly = () => (drawn++ % 10) / 10;

  it("share the calls as they weigh; the alias moved back is the rollback, and moved on the promotion", async () => {
    said.aliases["challenger"] = "2";
    running = await runGateway(two(90, 10), undefined, evenly);
    expect(await tens()).toEqual({ 1: 9, 2: 1 });
    said.aliases["challenger"] = "1";
    await changed();
    expect(await tens()).toEqual({ 1: 10 });
    Object.assign(said.aliases, { champion: "2", challenger: "2" });
    await changed();
    await until({ 2: 10 }, tens);
  });

  it("share them otherwise when the file says so, and the other answers while one is away", async () => {
    said.aliases["challenger"] = "2";
    running = await runGateway(two(90, 10), undefined, evenly);
    expect(await running.reload(two(0, 100))).toBe(true);
    expect(await tens()).toEqual({ 2: 10 });
    servers[1]!.always(jsonAnswer({ error_code: "INTERNAL_ERROR", message: "broken" }, 500));
    expect(await ask()).toMatchObject({
      status: 200,
      by: expect.stringContaining("model=models%3A%2Firis%2F1; target=0; attempt=2"),
      json: { predictions: [1] },
    });
  });
});

describe("a route of gateway_routes", () => {
  const at = (path: string, more = "") => `
log: { level: silent }
egress: { allow: [127.0.0.1] }
mlflow: { tracking_uri: "${registry.url}/mlflow", poll_interval: 0.1 }
gateway_routes:
- path: ${path}
  model_name: iris
  model_version: Production
  rate_limit: "2req/min"
${more}`;
  const call = async (path: string, method = "POST") => {
    const body = '{"dataframe_records": [{"width": 1}]}';
    const reply = await fetch(`${running!.url}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(method === "POST" && { body }),
    });
    return { status: reply.status, allow: reply.headers.get("allow"), json: (await reply.json()) as object };
  };

  it.each([
    ["/predict/sentiment", "/predict/sentiment"],
    ["/models/eu/churn", "/predict/models-eu-churn"],
  ])("answers at %s and at %s, and its limit counts both", async (path, usual) => {
    running = await runGateway(at(path));
    expect(await call(path)).toMatchObject({ status: 200, json: { predictions: [1] } });
    expect(await call(usual)).toMatchObject({ status: 200, json: { predictions: [1] } });
    expect(await call(path)).toMatchObject({ status: 429, json: { error_code: "REQUEST_LIMIT_EXCEEDED" } });
  });

  it("answers at a path that would be another name, and no longer at one that the file took back", async () => {
    running = await runGateway(at("/predict/sentiment", "  name: mood\n"));
    expect(await call("/predict/sentiment")).toMatchObject({ status: 200 });
    expect(await call("/predict/mood")).toMatchObject({ status: 200 });
    expect(await running.reload(at("/moods", "  name: mood\n").replace('"2req', '"9req'))).toBe(true);
    expect(await call("/predict/sentiment")).toMatchObject({ status: 404 });
    expect(await call("/moods")).toMatchObject({ status: 200 });
  });

  it("refuses in the words of predictions what does not fit, and whom it does not know", async () => {
    running = await runGateway(at("/moods"));
    expect(await call("/moods", "GET")).toMatchObject({
      status: 405,
      allow: "POST",
      json: { error_code: expect.any(String) },
    });
    const keys = `auth: { keys: [{ name: ann, sha256: "${"a".repeat(64)}" }] }\n`;
    expect(await running.reload(keys + at("/moods", "  authentication: api_key\n"))).toBe(true);
    expect(await call("/moods")).toMatchObject({ status: 401, json: { error_code: "UNAUTHENTICATED" } });
  });
});

describe("the signature of the registry's version", () => {
  it("refuses an input by the column that it lacks, over REST and over gRPC", async () => {
    running = await runGateway(config("models:/iris@champion"));
    const message = 'dataframe_records[0]: the column "width" (double) is missing; the model\'s signature needs it';
    expect(await ask('{"dataframe_records": [{"height": 1}]}')).toMatchObject({
      status: 400,
      json: { error_code: "BAD_REQUEST", message },
    });
    const { predict } = createClient(PredictionService, WIRES[0]![1](running.url));
    const asked = predict({ model: "iris", input: { case: "records", value: { records: [{ height: 1 }] } } });
    expect(await failure(asked)).toMatchObject({ code: "InvalidArgument", reason: "FIELD_INVALID", message });
    expect(servers[0]!.hits).toBe(0);
  });
});
