import { create, type DescMessage } from "@bufbuild/protobuf";
import { ModelSchema, RouteSchema } from "../gen/polygate/config/v1/config_pb.js";
import type { Loaded } from "./config/load.ts";
import { loadProvider } from "./registry.ts";

/** What asks models that are named as MLflow's registry names them. */
const PROVIDER = "mlflow-model-serving";

/**
 * The config with a route of predictions for each model that was discovered, behind its own ones, which win.
 *
 * @param found Names of the registry by routes.
 */
export async function withFound(
  { config, models }: Pick<Loaded, "config" | "models">,
  found: ReadonlyMap<string, string>,
): Promise<Pick<Loaded, "config" | "models">> {
  const own = new Set(config.routes.map(({ name }) => name));
  const added = [...found].filter(([route]) => !own.has(route)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (added.length === 0) return { config, models };
  const provider = (await loadProvider(PROVIDER))!;
  const settings = create(provider.settings as DescMessage);
  const routes = added.map(([name, model]) =>
    create(RouteSchema, {
      name,
      routeType: "mlflow/v1/predictions",
      model: create(ModelSchema, { provider: PROVIDER, name: model }),
    }),
  );
  return {
    config: { ...config, routes: [...config.routes, ...routes] },
    models: new Map([...models, ...routes.map(({ model }) => [model!, settings] as const)]),
  };
}
