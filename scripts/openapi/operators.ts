import { json, MLFLOW_ERROR, type Paths, read } from "./paths.ts";
import { ref, type Schema } from "./schema.ts";

const tags = ["Health"];
/** No key is asked for. */
const OPEN = { security: [] };

const status = (...words: readonly string[]): Schema => ({
  type: "object",
  required: ["status"],
  properties: { status: { type: "string", enum: words } },
});

const READY: Schema = {
  type: "object",
  required: ["status"],
  properties: {
    status: { type: "string", enum: ["ready", "degraded"] },
    degraded: { type: "array", items: { type: "string" }, description: "What does not work as it should." },
  },
};

/** What load balancers and Prometheus ask. */
export function operatorPaths(): Paths {
  return {
    "/health": {
      get: {
        tags,
        operationId: "health",
        summary: "Whether the gateway serves",
        ...OPEN,
        ...read(status("OK"), MLFLOW_ERROR),
      },
    },
    "/livez": {
      get: {
        tags,
        operationId: "livez",
        summary: "Whether the process runs",
        ...OPEN,
        responses: { "200": { description: "It runs.", content: json(status("alive")) } },
      },
    },
    "/readyz": {
      get: {
        tags,
        operationId: "readyz",
        summary: "Whether new calls are taken",
        ...OPEN,
        responses: {
          "200": {
            description: "They are; `degraded`: answered by what is known, and what does not work is named.",
            content: json(READY),
          },
          "503": { description: "The gateway was told to stop.", content: json(status("stopping")) },
        },
      },
    },
    "/metrics": {
      get: {
        tags,
        operationId: "metrics",
        summary: "The metrics, for Prometheus",
        description:
          "On the admin listener when the config has one, else here while the port is bound to a loopback address, and otherwise nowhere.",
        responses: {
          "200": { description: "Prometheus's text form.", content: { "text/plain": { schema: { type: "string" } } } },
          default: { description: "It is not served here.", content: json(ref("OpenAIError")) },
        },
      },
    },
  };
}

/** MLflow has these paths and not the thing; here it is there with a store. */
export function limitPaths(): Paths {
  const paths: Paths = {};
  const name = { $ref: "#/components/parameters/RouteName" };
  const description = "Where the config has a `store`. Elsewhere it answers 501, as in MLflow.";
  const limit: Schema = {
    type: "object",
    required: ["calls", "renewal_period"],
    properties: {
      calls: { type: "integer" },
      key: { type: ["string", "null"] },
      renewal_period: { type: "string", description: "Such as `minute`, or `5 minutes`." },
    },
  };
  const limits: Schema = { type: "array", maxItems: 1, items: limit };
  const told: Schema = { type: "object", required: ["limits"], properties: { limits } };
  const { responses } = read(told, MLFLOW_ERROR);
  for (const [kind, path] of [
    ["Route", "/api/2.0/gateway/limits/"],
    ["Endpoint", "/api/2.0/endpoints/limits/"],
  ] as const) {
    const body: Schema = {
      type: "object",
      required: ["route", "limits"],
      properties: { route: { type: "string" }, limits },
    };
    const example = {
      one: {
        summary: "Ten calls a minute",
        value: { route: "chat", limits: [{ calls: 10, renewal_period: "minute" }] },
      },
    };
    paths[path] = {
      post: {
        tags: ["MLflow"],
        operationId: `set${kind}Limits`,
        summary: "Sets a route's limit, or with an empty list removes it",
        description,
        requestBody: { required: true, content: json(body, example) },
        responses,
      },
    };
    paths[`${path}{name}`] = {
      get: {
        tags: ["MLflow"],
        operationId: `get${kind}Limits`,
        summary: "Tells a route's limit",
        description,
        parameters: [name],
        responses,
      },
    };
  }
  return paths;
}
