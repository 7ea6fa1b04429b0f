/** One route of each type, called like its operation, in front of one upstream that speaks OpenAI, and MLflow's scoring forms. */
export function routesOn(upstream: string, more = ""): string {
  const model = `{ provider: openai, name: m, config: { openai_api_key: sk-upstream, base_url: "${upstream}/v1" } }`;
  const routes = ["chat", "completions", "embeddings"].map(
    (name) => `  - { name: ${name}, route_type: llm/v1/${name}, model: ${model}${more} }`,
  );
  const served = `{ provider: mlflow-model-serving, name: m, config: { model_server_url: "${upstream}" } }`;
  routes.push(`  - { name: predictions, route_type: mlflow/v1/predictions, model: ${served}${more} }`);
  return ["log: { level: silent }", "routes:", ...routes, ""].join("\n");
}
