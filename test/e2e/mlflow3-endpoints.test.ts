/** What MLflow 3 tells of its endpoints and splits, in front of the simulator; shapes as a tracking server of 3.17.2 gave them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { client, clientSuite, run } from "./tools.ts";

const model = (name: string) => `{ provider: simulator, name: ${name} }`;
let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway(`
endpoints:
- { name: plain, endpoint_type: llm/v1/chat, model: ${model("a")} }
- { name: fresh, endpoint_type: llm/v1/chat, model: ${model("b")} }
- { name: fall, endpoint_type: llm/v1/chat, targets: [{ model: ${model("a")} }, { model: ${model("b")} }] }
routes:
- name: split
  task_type: llm/v1/chat
  destinations: [{ name: plain, traffic_percentage: 90 }, { name: fresh, traffic_percentage: 10 }]
- name: spare
  route_type: llm/v1/embeddings
  targets: [{ weight: 0, model: ${model("a")} }, { weight: 3, model: { provider: openai, name: b, config: { openai_api_key: sk-0000 } } }]
`);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

async function ask(path: string) {
  const response = await fetch(gateway.url + path);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}
const tracked = (rest: string) => ask(`/api/3.0/mlflow/gateway/endpoints/${rest}`);
const id = (kind: string) => expect.stringMatching(new RegExp(`^${kind}-[0-9a-f]{32}$`));
const at = expect.any(Number);

/** The endpoint of a name, as far as tests look at it. */
async function endpoint(name: string) {
  const { status, json } = await tracked(`get?name=${name}`);
  expect(status).toBe(200);
  return json["endpoint"] as { model_mappings: Record<string, unknown>[] } & Record<string, unknown>;
}

describe("the endpoints of a tracking server", () => {
  it("are listed in the file's order, and each by its name or its id", async () => {
    const { status, json } = await tracked("list");
    const endpoints = json["endpoints"] as { name: string; endpoint_id: string }[];
    expect([status, endpoints.map(({ name }) => name)]).toEqual([200, ["plain", "fresh", "fall", "split", "spare"]]);
    for (const one of endpoints) {
      expect((await tracked(`get?name=${one.name}`)).json).toEqual({ endpoint: one });
      expect((await tracked(`get?endpoint_id=${one.endpoint_id}`)).json).toEqual({ endpoint: one });
    }
    expect(new Set(endpoints.map(({ endpoint_id }) => endpoint_id)).size).toBe(5);
  });

  it("tell the model, and nothing of its settings", async () => {
    expect(await endpoint("plain")).toEqual({
      endpoint_id: id("e"),
      name: "plain",
      created_at: at,
      last_updated_at: at,
      model_mappings: [
        {
          mapping_id: id("m"),
          endpoint_id: id("e"),
          model_definition_id: id("d"),
          model_definition: {
            model_definition_id: id("d"),
            name: "plain",
            provider: "simulator",
            model_name: "a",
            created_at: at,
            last_updated_at: at,
          },
          weight: 1,
          created_at: at,
          linkage_type: "PRIMARY",
        },
      ],
      created_by: "",
      last_updated_by: "",
      usage_tracking: false,
    });
    expect(JSON.stringify(await endpoint("spare"))).not.toContain("sk-0000");
  });

  it("tell shares as parts of one, and who is tried when others fail", async () => {
    const told = async (name: string) => {
      const { model_mappings, routing_strategy, fallback_config } = await endpoint(name);
      return [
        ...model_mappings.map((one) => [one["weight"], one["linkage_type"], one["fallback_order"]]),
        routing_strategy,
        fallback_config,
      ];
    };
    const [primary, fallback, one] = ["PRIMARY", "FALLBACK", { strategy: "SEQUENTIAL", max_attempts: 1 }];
    const split = "REQUEST_BASED_TRAFFIC_SPLIT";
    expect(await told("fall")).toEqual([[1, primary, undefined], [1, fallback, 0], undefined, one]);
    expect(await told("split")).toEqual([[0.9, primary, undefined], [0.1, primary, undefined], split, undefined]);
    expect(await told("spare")).toEqual([[1, fallback, 0], [1, primary, undefined], split, one]);
  });

  it("are found by provider; none is an empty object", async () => {
    const { json } = await tracked("list?provider=openai");
    expect((json["endpoints"] as { name: string }[]).map(({ name }) => name)).toEqual(["spare"]);
    expect(await tracked("list?provider=nobody")).toEqual({ status: 200, json: {} });
  });

  it.each([
    ["get?name=zzz", 404, "RESOURCE_DOES_NOT_EXIST", "GatewayEndpoint not found (name='zzz')"],
    ["get?endpoint_id=zzz", 404, "RESOURCE_DOES_NOT_EXIST", "GatewayEndpoint not found (endpoint_id='zzz')"],
    ["get", 400, "INVALID_PARAMETER_VALUE", "Exactly one of endpoint_id or name must be provided"],
    [
      "get?name=plain&endpoint_id=x",
      400,
      "INVALID_PARAMETER_VALUE",
      "Exactly one of endpoint_id or name must be provided",
    ],
  ])("%s is refused in its words", async (rest, status, error_code, message) => {
    expect(await tracked(rest)).toMatchObject({ status, json: { error_code, message, sqlstate: "KAM00" } });
  });
});

describe("/api/3.0/gateway/route", () => {
  it("tells a split as MLflow 3 does, and any other route as an endpoint", async () => {
    expect(await ask("/api/3.0/gateway/route/split")).toEqual({
      status: 200,
      json: {
        name: "split",
        task_type: "llm/v1/chat",
        destinations: [
          { name: "plain", traffic_percentage: 90 },
          { name: "fresh", traffic_percentage: 10 },
        ],
        routing_strategy: "TRAFFIC_SPLIT",
      },
    });
    expect((await ask("/api/3.0/gateway/route/plain")).json).toMatchObject({ endpoint_type: "llm/v1/chat" });
  });

  it("names what is not there a route", async () => {
    expect(await ask("/api/3.0/gateway/route/zzz")).toEqual({
      status: 404,
      json: {
        detail: "The route 'zzz' is not present or active on the server. Please verify the route name.",
      },
    });
  });
});

clientSuite("mlflow", "as MLflow's own store reads them", (python) => {
  it("the endpoints are whole", async () => {
    const env = { MLFLOW_DISABLE_TELEMETRY: "true" };
    const told = await run(python, [client("tracking_endpoints.py"), gateway.url], { env });
    expect(JSON.parse(told)).toEqual({
      plain: [["a", 1, "PRIMARY"]],
      fresh: [["b", 1, "PRIMARY"]],
      fall: [
        ["a", 1, "PRIMARY"],
        ["b", 1, "FALLBACK"],
      ],
      split: [
        ["a", 0.9, "PRIMARY"],
        ["b", 0.1, "PRIMARY"],
      ],
      spare: [
        ["a", 1, "FALLBACK"],
        ["b", 1, "PRIMARY"],
      ],
      zzz: "RESOURCE_DOES_NOT_EXIST",
    });
  });
});
