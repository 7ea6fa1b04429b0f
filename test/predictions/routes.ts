/** A model server that answers as MLflow's does, and routes to it. */
import type { Script } from "../support/fake-upstream.ts";

/** As Python writes it: with spaces, and numbers that JSON does not have. */
export const REPLY = '{"predictions": [1.0, 2, NaN]}';

export const answering = (body: string, status = 200): Script => ({
  status,
  headers: { "content-type": "application/json" },
  body: [body],
});

/** A route for MLflow's server, one for Databricks, and one that gives no predictions. */
export function routesTo(url: string, more = ""): string {
  const served = `{ provider: mlflow-model-serving, name: iris, config: { model_server_url: "${url}/m" } }`;
  const databricks = `{ provider: databricks, name: iris 2, config: { base_url: "${url}", token: dapi-1 } }`;
  return `
log: { level: silent }
routes:
  - { name: iris, route_type: mlflow/v1/predictions, model: ${served}${more} }
  - { name: lake, route_type: mlflow/v1/predictions, model: ${databricks} }
  - { name: vectors, route_type: llm/v1/embeddings, model: ${served} }
  - { name: lost, route_type: mlflow/v1/predictions, model: { provider: cohere, config: { cohere_api_key: k } } }
`;
}
