import { json, MLFLOW_ERROR, type Paths, read } from "./paths.ts";
import type { Schema } from "./schema.ts";

const tags = ["MLflow"];
const description =
  "As MLflow's client asks its hosted gateway; where the config has a `store`. Elsewhere it is not there.";

const MODEL: Schema = {
  type: "object",
  required: ["name"],
  description:
    "`provider`, `name` and `config`, the provider's settings; which may also stand under the provider's name, such as `openai_config`.",
  properties: { name: { type: "string" }, provider: { type: "string" }, config: { type: "object" } },
};

const ROUTE: Schema = {
  type: "object",
  required: ["name", "route_type"],
  properties: { name: { type: "string" }, route_type: { type: "string" }, model: MODEL, data: MODEL },
};

const EXAMPLE = {
  name: "chat-new",
  route_type: "llm/v1/chat",
  model: { name: "gpt-4o-mini", provider: "openai", openai_config: { openai_api_key: "sk-..." } },
};

/** Adds what makes and removes routes to the paths that list them. */
export function addManagement(paths: Paths): void {
  const list = paths["/api/2.0/gateway/routes/"]!;
  const one = paths["/api/2.0/gateway/routes/{name}"]!;
  const told = (list["get"]!["responses"] as Record<string, unknown>)["default"];
  const route = one["get"]!["responses"] as Record<string, unknown>;
  list["post"] = {
    tags,
    operationId: "createRoute",
    summary: "Makes a route",
    description,
    requestBody: { required: true, content: json(ROUTE, { one: { summary: "A route", value: EXAMPLE } }) },
    responses: { ...route, default: told },
  };
  one["delete"] = {
    tags,
    operationId: "deleteRoute",
    summary: "Removes a route",
    description,
    parameters: one["get"]!["parameters"],
    ...read({ type: "object" }, MLFLOW_ERROR),
  };
}
