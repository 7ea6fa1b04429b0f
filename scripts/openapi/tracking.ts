import { type Paths, read } from "./paths.ts";
import { ref, type Schema } from "./schema.ts";

const TEXT: Schema = { type: "string" };
const TIME: Schema = { type: "integer", description: "Milliseconds since 1970 at which the config was read." };

/** Endpoints as the gateway of MLflow 3's tracking server tells them. */
export const TRACKING_SCHEMAS: Record<string, Schema> = {
  MlflowGatewayEndpoint: {
    type: "object",
    required: ["endpoint_id", "name", "created_at", "last_updated_at", "model_mappings"],
    properties: {
      endpoint_id: { type: "string", description: "The same as long as the route has this name." },
      name: { type: "string", description: "The route's name." },
      created_at: TIME,
      last_updated_at: TIME,
      model_mappings: {
        type: "array",
        items: {
          type: "object",
          required: ["mapping_id", "endpoint_id", "model_definition_id", "weight", "linkage_type", "created_at"],
          properties: {
            mapping_id: TEXT,
            endpoint_id: TEXT,
            model_definition_id: TEXT,
            model_definition: {
              type: "object",
              required: ["model_definition_id", "name", "provider", "model_name"],
              properties: {
                model_definition_id: TEXT,
                name: TEXT,
                provider: TEXT,
                model_name: TEXT,
                created_at: TIME,
                last_updated_at: TIME,
              },
            },
            weight: { type: "number", description: "Its share of the calls, of 1." },
            linkage_type: { type: "string", enum: ["PRIMARY", "FALLBACK"] },
            fallback_order: { type: "integer", description: "Place among those that are tried when others fail." },
            created_at: TIME,
          },
        },
      },
      created_by: TEXT,
      last_updated_by: TEXT,
      routing_strategy: { type: "string", enum: ["REQUEST_BASED_TRAFFIC_SPLIT"] },
      fallback_config: {
        type: "object",
        properties: { strategy: { type: "string", enum: ["SEQUENTIAL"] }, max_attempts: { type: "integer" } },
      },
      usage_tracking: { type: "boolean" },
    },
  },
};

const query = (name: string, description: string, example: string) => ({
  name,
  in: "query",
  schema: TEXT,
  example,
  description,
});

/** Where they are told; they cannot be changed there. */
export function trackingPaths(): Paths {
  const tags = ["MLflow"];
  const one = ref("MlflowGatewayEndpoint");
  const error = ref("ScoringError");
  const list: Schema = { type: "object", properties: { endpoints: { type: "array", items: one } } };
  const answer: Schema = { type: "object", required: ["endpoint"], properties: { endpoint: one } };
  return {
    "/api/3.0/mlflow/gateway/endpoints/list": {
      get: {
        tags,
        operationId: "listGatewayEndpoints",
        summary: "Lists the endpoints, as MLflow 3's tracking server",
        parameters: [query("provider", "Those that ask this provider.", "openai")],
        ...read(list, error),
      },
    },
    "/api/3.0/mlflow/gateway/endpoints/get": {
      get: {
        tags,
        operationId: "getGatewayEndpoint",
        summary: "One endpoint, as MLflow 3's tracking server",
        description: "Exactly one of the parameters is to be given.",
        parameters: [
          query("name", "A route's name.", "chat"),
          query("endpoint_id", "What the list tells.", "e-0123456789abcdef0123456789abcdef"),
        ],
        ...read(answer, error),
      },
    },
  };
}
