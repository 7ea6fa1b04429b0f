import { hash } from "node:crypto";
import { listedFor } from "../../core/grants.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Inbound } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { RouteInfo, Site } from "../../core/site.ts";

/**
 * The routes as the gateway of MLflow 3's tracking server lists its endpoints; to be read only. Of `?provider=` those that ask
 * it. An empty list is left out, as there.
 * @see https://mlflow.org/docs/latest/genai/governance/ai-gateway/
 */
export function listTracked(site: Site, inbound: Inbound): void {
  const provider = new URLSearchParams(inbound.query).get("provider");
  const routes = listedFor(inbound.principal, site).filter(
    ({ targets }) => provider === null || targets.some((one) => one.provider === provider),
  );
  sendJson(inbound, routes.length === 0 ? {} : { endpoints: routes.map((route) => endpointOf(route, site)) });
}

/** One of them, by exactly one of `?name=` and `?endpoint_id=`. */
export function getTracked(site: Site, inbound: Inbound): void {
  const query = new URLSearchParams(inbound.query);
  const [name, id] = [query.get("name"), query.get("endpoint_id")];
  if ((name === null) === (id === null)) {
    const why = "Exactly one of endpoint_id or name must be provided";
    refuseTracked(inbound, 400, "INVALID_PARAMETER_VALUE", "INVALID_PARAMETER_VALUE", why);
    return;
  }
  const route = listedFor(inbound.principal, site).find((one) =>
    name === null ? endpointId(one) === id : one.name === name,
  );
  if (route) {
    sendJson(inbound, { endpoint: endpointOf(route, site) });
    return;
  }
  const asked = name === null ? `endpoint_id='${id}'` : `name='${name}'`;
  const why = `GatewayEndpoint not found (${asked})`;
  refuseTracked(inbound, 404, "RESOURCE_DOES_NOT_EXIST", "RESOURCE_NOT_FOUND", why);
}

function refuseTracked(inbound: Inbound, status: number, code: string, kind: string, message: string): void {
  const told = { error_code: code, message, sqlstate: "KAM00", error_class: kind };
  inbound.send(status, ["content-type", "application/json"], JSON.stringify(told));
}

function endpointOf(route: RouteInfo, site: Site): JsonObject {
  const { name, targets } = route;
  // Of a file there is no more to tell than when it was read.
  const at = site.loadedAt * 1000;
  const times = { created_at: at, last_updated_at: at };
  const endpoint = endpointId(route);
  const total = targets.reduce((sum, { weight = 0 }) => sum + weight, 0);
  let fallbacks = 0;
  const mappings = targets.map(({ provider, model, weight }, index): JsonObject => {
    const key = `${name}/${index}`;
    const primary = total > 0 ? weight !== 0 : index === 0;
    return {
      mapping_id: idOf("m", key),
      endpoint_id: endpoint,
      model_definition_id: idOf("d", key),
      model_definition: {
        model_definition_id: idOf("d", key),
        name: targets.length === 1 ? name : `${name}-${index}`,
        provider,
        model_name: model,
        ...times,
      },
      weight: primary && total > 0 ? weight! / total : 1,
      created_at: at,
      linkage_type: primary ? "PRIMARY" : "FALLBACK",
      ...(!primary && { fallback_order: fallbacks++ }),
    };
  });
  return {
    endpoint_id: endpoint,
    name,
    ...times,
    model_mappings: mappings,
    created_by: "",
    last_updated_by: "",
    ...(total > 0 && { routing_strategy: "REQUEST_BASED_TRAFFIC_SPLIT" }),
    ...(fallbacks > 0 && { fallback_config: { strategy: "SEQUENTIAL", max_attempts: fallbacks } }),
    usage_tracking: false,
  };
}

const endpointId = ({ name }: RouteInfo): string => idOf("e", name);

/** The same for the same key in every worker and after every reload. */
const idOf = (kind: "d" | "e" | "m", key: string): string => `${kind}-${hash("sha256", `${kind} ${key}`).slice(0, 32)}`;
