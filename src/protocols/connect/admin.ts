import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { RouteAdminService } from "../../../gen/polygate/admin/v1/route_admin_pb.js";
import { errors } from "../../core/errors.ts";
import type { Door, RouteInfo } from "../../core/site.ts";
import { callerOf } from "./caller.ts";

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;
/** Leads what a page token hides, so that a token of another kind is told from ours. */
const TOKEN = "routes/";

/** The routes of the running gateway; nothing in them is secret. */
export function routeAdminService(door: Door): Partial<ServiceImpl<typeof RouteAdminService>> {
  return {
    getRoute({ name }, context) {
      const route = door.site.route(name);
      if (!route || !readable(context)(route)) throw errors.routeUnknown(name, "name");
      return { route: message(route) };
    },
    listRoutes({ pageSize, pageToken }, context) {
      const routes = door.site.routes.filter(readable(context));
      const start = startOf(routes, pageToken);
      const end = start + Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);
      const nextPageToken = end < routes.length ? Buffer.from(TOKEN + routes[end - 1]!.name).toString("base64url") : "";
      return { routes: routes.slice(start, end).map(message), nextPageToken };
    },
  };
}

/** Whether the caller may read a route by the admin API. */
function readable(context: HandlerContext): (route: RouteInfo) => boolean {
  const { principal } = callerOf(context).inbound;
  return ({ name }) => principal.mayManage("routes.read", name);
}

/** A page begins after the route that its token names, so that a reload in between moves nothing that was not changed. */
function startOf(routes: readonly RouteInfo[], token: string): number {
  if (token === "") return 0;
  const text = Buffer.from(token, "base64url").toString();
  const last = text.startsWith(TOKEN) ? routes.findIndex(({ name }) => name === text.slice(TOKEN.length)) : -1;
  if (last >= 0) return last + 1;
  throw errors.fieldInvalid([
    { field: "page_token", description: "was not given out for these routes; begin again without one" },
  ]);
}

function message({ name, routeType, targets }: RouteInfo) {
  const models = targets.map((target) => ({ provider: target.provider, name: target.model }));
  return {
    name,
    routeType,
    model: models[0]!,
    routeUrl: `/gateway/${encodeURIComponent(name)}/invocations`,
    targets: models.map((model, index) => ({ name: String(index), model })),
  };
}
