import { expect, it } from "vitest";
import type { Generation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Site } from "../../core/site.ts";
import { describer, withRoutes } from "./describe.ts";

function site(generation: number, ...routes: readonly (readonly [name: string, op: Generation])[]): Site {
  return {
    generation,
    revision: generation,
    loadedAt: 0,
    routes: routes.map(([name, op]) => ({
      name,
      op,
      routeType: `llm/v1/${op}`,
      targets: [{ provider: "p", model: "m" }],
    })),
    route: () => undefined,
    plan: () => {
      throw new Error("not planned");
    },
    maxRequestBytes: 1,
    origins: [],
    cors: { origins: [], maxAgeSeconds: 0 },
  };
}

const document = (): JsonObject => ({
  paths: {
    "/v1/chat/completions": {
      post: {
        requestBody: { content: { "application/json": { examples: { a: { value: { model: "chat", n: 1 } } } } } },
      },
    },
  },
  components: { parameters: { RouteName: { name: "name", schema: { type: "string" }, example: "chat" } } },
});

it("puts the first route that does it into an example, and all names into the list", () => {
  expect(withRoutes(document(), site(1, ["vectors", "embeddings"], ["talk", "chat"]))).toMatchObject({
    paths: {
      "/v1/chat/completions": {
        post: {
          requestBody: { content: { "application/json": { examples: { a: { value: { model: "talk", n: 1 } } } } } },
        },
      },
    },
    components: { parameters: { RouteName: { schema: { enum: ["vectors", "talk"] }, example: "talk" } } },
  });
});

it("leaves the examples as they are where no route does it", () => {
  expect(withRoutes(document(), site(1))).toEqual(document());
});

it("is made anew for each generation of the config, and only then", () => {
  const describe = describer();
  const first = describe(site(1, ["a", "chat"]));
  expect(describe(site(1, ["a", "chat"]))).toBe(first);
  const second = describe(site(2, ["b", "chat"]));
  expect(second.etag).not.toBe(first.etag);
  expect(JSON.parse(second.bytes.toString("utf8")).components.parameters.RouteName.schema.enum).toEqual(["b"]);
});

it.each([
  ["mlflow-python-client/2.8.1", "MLflow Gateway API"],
  ["mlflow-python-client/2.22.5", "MLflow AI Gateway"],
  ["mlflow-python-client/3.17.2", "MLflow AI Gateway"],
  ["curl/8", "Polygate"],
])("calls itself for %s what the gateway of that time did: %s", (userAgent, title) => {
  const describe = describer();
  for (const generation of [1, 1, 2]) {
    expect(JSON.parse(String(describe(site(generation), userAgent).bytes))).toMatchObject({ info: { title } });
    expect(JSON.parse(String(describe(site(generation)).bytes))).toMatchObject({ info: { title: "Polygate" } });
  }
});
