import { header } from "../../core/arrival.ts";
import { GatewayError } from "../../core/errors.ts";
import { listedFor, listedRoute } from "../../core/grants.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Inbound } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { RouteInfo, Site } from "../../core/site.ts";
import { refusal } from "../../dialects/mlflow/issue.ts";
import { speechOf } from "../../dialects/mlflow/speech.ts";
import { crash, refuse } from "./sink.ts";

/** One of the two names under which MLflow lists the same things. */
export interface Family {
  /** Where they are listed. */
  readonly path: string;
  /** Where their limits would be. */
  readonly limits: string;
  /** Where they are called. */
  readonly calls: string;
  readonly one: "route" | "endpoint";
}

/** MLflow 2.5 and later. */
export const ROUTES: Family = {
  path: "/api/2.0/gateway/routes/",
  limits: "/api/2.0/gateway/limits/",
  calls: "/gateway/",
  one: "route",
};
/** MLflow 2.9 and later. */
export const ENDPOINTS: Family = {
  path: "/api/2.0/endpoints/",
  limits: "/api/2.0/endpoints/limits/",
  calls: "/endpoints/",
  one: "endpoint",
};

/** MLflow's own; its clients ask for pages until `next_page_token` is null. */
const PAGE_SIZE = 3000;

/** All routes from `page_token` on. 422 for a token that MLflow would not have given: there it is a 500. */
export function listRoutes(site: Site, inbound: Inbound, family: Family): void {
  const from = startOf(inbound.query);
  if (from === undefined && isEraClient(inbound)) {
    crash(inbound);
    return;
  }
  if (from === undefined) {
    refuse(
      inbound,
      refusal("The page_token is not one that this gateway gave; leave it out to begin at the first page."),
    );
    return;
  }
  const routes = listedFor(inbound.principal, site);
  const page = routes.slice(from, from + PAGE_SIZE).map((route) => told(route, inbound, family));
  const next = from + PAGE_SIZE;
  sendJson(inbound, {
    [`${family.one}s`]: page,
    next_page_token: next < routes.length ? tokenOf(next) : null,
  });
}

/** Tells one route, or says in MLflow's words that there is none. */
export function getRoute(site: Site, inbound: Inbound, family: Family, name: string): void {
  const route = listedRoute(inbound.principal, site, name);
  if (route) {
    sendJson(inbound, told(route, inbound, family));
    return;
  }
  const { one } = family;
  // A slash that came percent-encoded: MLflow decodes first and then finds no such path.
  const detail = name.includes("/")
    ? "Not Found"
    : `The ${one} '${name}' is not present or active on the server. Please verify the ${one} name.`;
  refuse(inbound, new GatewayError(detail, { reason: "ROUTE_UNKNOWN" }));
}

/** Tells one route as MLflow 3 tells its splits, if it is one; any other as an endpoint. */
export function getSplit(site: Site, inbound: Inbound, name: string): void {
  const { destinations, routeType, targets } = listedRoute(inbound.principal, site, name) ?? {};
  if (targets === undefined || destinations === undefined) {
    getRoute(site, inbound, targets === undefined ? ROUTES : ENDPOINTS, name);
    return;
  }
  const split = targets.map(({ weight = 0 }, at) => ({ name: destinations[at]!, traffic_percentage: weight }));
  sendJson(inbound, { name, task_type: routeType!, destinations: split, routing_strategy: "TRAFFIC_SPLIT" });
}

/** As MLflow 3 lists its endpoints for clients of OpenAI's. */
export function listModels(site: Site, inbound: Inbound): void {
  const data = listedFor(inbound.principal, site).map(({ name, targets }) => {
    return { id: name, object: "model", created: site.loadedAt, owned_by: targets[0]!.provider };
  });
  sendJson(inbound, { object: "list", data });
}

function told({ name, routeType, targets, limit }: RouteInfo, inbound: Inbound, { one }: Family): JsonObject {
  const [first] = targets;
  const route: JsonObject = {
    name,
    [`${one}_type`]: routeType,
    model: { name: first!.model, provider: first!.provider },
    // MLflow's own paths, under both names.
    [`${one}_url`]: `/gateway/${name}/invocations`,
  };
  // MLflow 2.22 and 3 demand the key; clients of 2.5-2.8 never saw it.
  const agent = header(inbound.headers, "user-agent");
  if (one === "endpoint" || speechOf(agent, undefined, []).format === "modern") {
    route["limit"] = limit ? { calls: limit.calls, key: limit.key ?? null, renewal_period: limit.renewalPeriod } : null;
  }
  return route;
}

function startOf(query: string): number | undefined {
  const token = new URLSearchParams(query).get("page_token");
  if (token === null) return 0;
  try {
    const { index } = JSON.parse(Buffer.from(token, "base64").toString("utf8")) as { index: unknown };
    return typeof index === "number" && Number.isInteger(index) && index >= 0 ? index : undefined;
  } catch {
    return undefined;
  }
}

/** As Python writes it, so that a token is good at either gateway. */
function tokenOf(index: number): string {
  return Buffer.from(`{"index": ${index}}`).toString("base64");
}

/** MLflow's own client of 2.x, whose gateway fails on such a token; it never sends one that it was not given. */
function isEraClient({ headers }: Inbound): boolean {
  return speechOf(header(headers, "user-agent"), undefined, []).era !== undefined;
}
