import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import {
  CreateRouteRequestSchema,
  DeleteRouteRequestSchema,
  UpdateRouteRequestSchema,
} from "../../../gen/polygate/admin/v1/route_admin_pb.js";
import { type Route, RouteSchema } from "../../../gen/polygate/config/v1/config_pb.js";
import type { Actor } from "../../core/admin.ts";
import { asGatewayError, errors } from "../../core/errors.ts";
import { listedRoute } from "../../core/grants.ts";
import { isObject, type Json, type JsonObject, objectsIn, textIn } from "../../core/json.ts";
import { collectPlain } from "../../core/plain.ts";
import type { Inbound } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import type { Door, RouteInfo } from "../../core/site.ts";
import { readBody } from "../../dialects/mlflow/body.ts";
import { type Family, getRoute, ROUTES } from "./listing.ts";
import { refuse } from "./sink.ts";

const SERVICE = "polygate.admin.v1.RouteAdminService";

/** Makes a route of what MLflow's client for its hosted gateway sends: `name`, `route_type` and `model`. */
export function createRoute(door: Door, inbound: Inbound): void {
  collectPlain(inbound, door.site.maxRequestBytes, (error, bytes) => {
    void answered(inbound, async () => {
      if (error) throw error;
      const { name, route_type, model, data } = readBody("chat", inbound.headers, bytes).body.json;
      const route = { name: textIn(name), route_type: textIn(route_type), model: modelOf(model ?? data) };
      await ask(door, inbound, "CreateRoute", create(CreateRouteRequestSchema, { route: routeFrom(route) }));
      getRoute(door.site, inbound, ROUTES, route.name);
    });
  });
}

/** Removes a route. */
export function deleteRoute(door: Door, inbound: Inbound, name: string): void {
  void answered(inbound, async () => {
    await ask(door, inbound, "DeleteRoute", create(DeleteRouteRequestSchema, { name }));
    sendJson(inbound, {});
  });
}

/** Tells a route's limits, of which it has one at most. */
export function getLimits(door: Door, inbound: Inbound, family: Family, name: string): void {
  const route = listedRoute(inbound.principal, door.site, name);
  if (route) sendJson(inbound, limitsOf(route));
  else getRoute(door.site, inbound, family, name);
}

/** Gives a route this limit; none: it has none any more. */
export function putLimits(door: Door, inbound: Inbound, json: Readonly<JsonObject>): void {
  void answered(inbound, async () => {
    const name = textIn(json["route"]);
    const limits = objectsIn(json["limits"]);
    if (limits.length > 1 || !Array.isArray(json["limits"])) {
      throw errors.fieldInvalid([
        { field: "limits", description: "want a list of one limit, or of none to remove it" },
      ]);
    }
    const [limit] = limits;
    const route = routeFrom({ name, ...(limit && { limit: settingsOf(limit) }) });
    const request = create(UpdateRouteRequestSchema, { route, updateMask: { paths: ["limit"] } });
    await ask(door, inbound, "UpdateRoute", request);
    sendJson(inbound, limitsOf(door.site.route(name)));
  });
}

function routeFrom(json: JsonObject): Route {
  try {
    return fromJson(RouteSchema, json as JsonValue);
  } catch (cause) {
    const description = cause instanceof Error ? cause.message : "is no route";
    throw errors.fieldInvalid([{ field: "route", description }]);
  }
}

async function ask(door: Door, inbound: Inbound, method: string, request: object): Promise<void> {
  const { principal, remote, id } = inbound;
  const actor: Actor = { principal, remote, requestId: id };
  if (!door.admin) throw errors.operationUnsupported("This gateway has no admin API.");
  await door.admin.call(`${SERVICE}/${method}`, request, actor);
}

/** Runs it, and tells what it throws in MLflow's form. Never rejects. */
async function answered(inbound: Inbound, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    refuse(inbound, asGatewayError(thrown));
  }
}

/** `provider`, `name` and `config`; the hosted gateway calls the last one after the provider, such as `openai_config`. */
function modelOf(given: Json | undefined): JsonObject {
  if (!isObject(given)) return {};
  const hosted = Object.keys(given).find((key) => key.endsWith("_config"));
  const provider = textIn(given["provider"]) || (hosted?.slice(0, -"_config".length) ?? "");
  const config = given["config"] ?? (hosted === undefined ? undefined : given[hosted]);
  return { provider, name: textIn(given["name"]), ...(isObject(config) && { config }) };
}

function settingsOf({ calls, renewal_period, key }: JsonObject): JsonObject {
  return { calls: calls ?? null, renewal_period: renewal_period ?? null, ...(typeof key === "string" && { key }) };
}

function limitsOf(route: RouteInfo | undefined): JsonObject {
  const { limit } = route ?? {};
  const all = limit ? [{ calls: limit.calls, key: limit.key ?? null, renewal_period: limit.renewalPeriod }] : [];
  return { limits: all };
}
