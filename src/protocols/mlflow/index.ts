import { header } from "../../core/arrival.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Permission } from "../../core/principal.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { Door } from "../../core/site.ts";
import { speechOf } from "../../dialects/mlflow/speech.ts";
import { invoke, invokeModel } from "./invoke.ts";
import { getLimits, setLimits } from "./limits.ts";
import { ENDPOINTS, getRoute, getSplit, listModels, listRoutes, ROUTES } from "./listing.ts";
import { createRoute, deleteRoute, getLimits as tellLimits } from "./manage.ts";
import { refuse } from "./sink.ts";
import { getTracked, listTracked } from "./tracking.ts";

/**
 * MLflow's AI Gateway: the paths of 2.5-2.22, in the words of the caller's era.
 * @see https://mlflow.org/docs/2.8.1/llms/gateway/index.html
 * @see https://mlflow.org/docs/2.22.1/llms/deployments/index.html
 */
export const protocol: Protocol = { kind: "mlflow", mounts };

function mounts(door: Door): readonly Mount[] {
  const endpoints = endpointsOf(door);
  const patterns = endpoints.map(({ path }) => patternOf(path));
  const turnAway = (inbound: Inbound, error: GatewayError) => {
    // Only the router's own refusals are about the path; others would be of any path.
    if (error.fault.reason === "ROUTE_UNKNOWN") turnFromPath(door, inbound, error, patterns);
    // MLflow knows no pages of other sites: to it, their question is a method that the path does not take.
    else if (inbound.method === "OPTIONS" && error.fault.reason === "CALLER_FORBIDDEN") {
      const allow = endpoints.find((_, at) => patterns[at]!.test(inbound.path))?.method ?? "GET";
      refuse(inbound, new GatewayError("Method Not Allowed", { ...error.fault, http: 405, allow }));
    } else refuse(inbound, error);
  };
  const mount = (prefix: string, own: readonly Endpoint[]): Mount => ({ prefix, endpoints: own, refuse: turnAway });
  return [
    mount("/api/2.0/", endpoints),
    mount("/api/3.0/", []),
    mount("/gateway/", []),
    mount("/endpoints/", []),
    { prefix: "/v1/", endpoints: modelEndpoints(door), claims: isEraClient, refuse: turnAway },
    mount("/health", [
      {
        method: "GET",
        path: "/health",
        permission: "open",
        head: false,
        handle: (inbound) => sendJson(inbound, { status: "OK" }),
      },
    ]),
  ];
}

function endpointsOf(door: Door): readonly Endpoint[] {
  const get = (path: string, handle: Endpoint["handle"]): Endpoint => ({
    method: "GET",
    path,
    head: false,
    permission: "listed",
    handle,
  });
  const post = (path: string, handle: Endpoint["handle"], permission: Permission = "inference"): Endpoint => ({
    method: "POST",
    path,
    permission,
    handle,
  });
  const endpoints: Endpoint[] = [];
  for (const family of [ROUTES, ENDPOINTS]) {
    endpoints.push(
      get(family.path, (inbound) => listRoutes(door.site, inbound, family)),
      get(`${family.path}{name}`, (inbound, [name]) => getRoute(door.site, inbound, family, name!)),
      get(`${family.limits}{name}`, (inbound, [name]) =>
        door.keeps ? tellLimits(door, inbound, family, name!) : getLimits(inbound, []),
      ),
      post(family.limits, (inbound) => setLimits(door, inbound), "routes.write"),
      post(`${family.calls}{name}/invocations`, (inbound, [name]) => invoke(door, inbound, name!)),
    );
  }
  // MLflow's own gateway lacks them; its hosted one has them.
  if (door.keeps) {
    endpoints.push(
      post(ROUTES.path, (inbound) => createRoute(door, inbound), "routes.write"),
      {
        method: "DELETE",
        path: `${ROUTES.path}{name}`,
        permission: "routes.write",
        handle: (inbound, [name]) => deleteRoute(door, inbound, name!),
      },
    );
  }
  endpoints.push(
    get("/api/3.0/gateway/endpoint/{name}", (inbound, [name]) => getRoute(door.site, inbound, ENDPOINTS, name!)),
    get("/api/3.0/gateway/route/{name}", (inbound, [name]) => getSplit(door.site, inbound, name!)),
    get("/api/3.0/mlflow/gateway/endpoints/list", (inbound) => listTracked(door.site, inbound)),
    get("/api/3.0/mlflow/gateway/endpoints/get", (inbound) => getTracked(door.site, inbound)),
    post("/gateway/{name}/mlflow/invocations", (inbound, [name]) => invoke(door, inbound, name!)),
    post("/gateway/mlflow/v1/chat/completions", (inbound) => invokeModel(door, inbound, "chat")),
    get("/gateway/mlflow/v1/models", (inbound) => listModels(door.site, inbound)),
  );
  return endpoints;
}

/** OpenAI's paths, which MLflow 2.22 has too: its own clients are answered in its words there. */
function modelEndpoints(door: Door): readonly Endpoint[] {
  return OPERATIONS.map(([path, op]) => {
    const handle: Endpoint["handle"] = (inbound) => invokeModel(door, inbound, op);
    return { method: "POST", path, permission: "inference", claims: isEraClient, handle };
  });
}

const OPERATIONS = [
  ["/v1/chat/completions", "chat"],
  ["/v1/completions", "completions"],
  ["/v1/embeddings", "embeddings"],
] as const;

function isEraClient({ headers }: Inbound): boolean {
  return speechOf(header(headers, "user-agent"), undefined, []).era !== undefined;
}

/**
 * Refuses a path as MLflow does: one that differs from ours by its last slash is sent there (307), one of no route is not
 * found whatever the method, and 405 names the methods that a path takes.
 */
function turnFromPath(door: Door, inbound: Inbound, error: GatewayError, patterns: readonly RegExp[]): void {
  const { path, query } = inbound;
  const called = INVOCATIONS.exec(path)?.[1];
  const known = called === undefined || door.site.route(decoded(called)) !== undefined;
  const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  if (error.fault.allow !== undefined && known) refuse(inbound, new GatewayError("Method Not Allowed", error.fault));
  else if (known && (other === "/health" || patterns.some((pattern) => pattern.test(other)))) {
    inbound.send(307, ["location", `${inbound.base}${other}${query === "" ? "" : `?${query}`}`], "");
  } else refuse(inbound, new GatewayError("Not Found", { reason: "ROUTE_UNKNOWN" }));
}

const INVOCATIONS = /^\/(?:gateway|endpoints)\/([^/]+)(?:\/mlflow)?\/invocations\/?$/;

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replace("{name}", "[^/]+")}$`);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}
