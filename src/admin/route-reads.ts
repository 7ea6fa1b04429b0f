import { ScalarType } from "@bufbuild/protobuf";
import type {
  ExplainRouteRequest,
  GetRouteRequest,
  ListRoutesRequest,
} from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { Breath, inBreaths } from "../config/breath.ts";
import { isSecret } from "../config/secrets.ts";
import { errors } from "../core/errors.ts";
import { type JsonObject, textIn } from "../core/json.ts";
import { readFilter } from "./filter.ts";
import { type Context, type Handler, noteRoute } from "./method.ts";
import { pageOf } from "./paging.ts";
import type { AdminParts } from "./parts.ts";
import { allRoutes, findRoute, ROUTE_FIELDS, type RouteView, routeMessage, routeValues } from "./views.ts";

/** GetRoute, ListRoutes, ExplainRoute, ListProviders and ListModels. */
export function routeReads(parts: AdminParts): Readonly<Record<string, Handler>> {
  const visible = async (context: Context) => {
    const all = await allRoutes(parts);
    const shown = all.filter(({ name }) => context.permits(name));
    return { all, shown };
  };

  const named = async (name: string, param: string) => {
    const route = await findRoute(parts, name);
    if (!route) throw errors.routeUnknown(name, param);
    return route;
  };
  const message = (route: RouteView) => routeMessage(parts, route, () => allRoutes(parts));

  async function getRoute({ name }: GetRouteRequest, context: Context) {
    noteRoute(context, name, "name");
    context.permit(name);
    return { route: await message(await named(name, "name")) };
  }

  async function listRoutes(request: ListRoutesRequest, context: Context) {
    const matches = readFilter(request.filter, ROUTE_FIELDS, routeValues);
    const compare = orderOf(request.orderBy);
    const { all, shown } = await visible(context);
    const sorted = compare ? shown.toSorted(compare) : shown;
    const messages = await inBreaths(sorted, (route) => routeMessage(parts, route, async () => all));
    const question = ["routes", request.filter, request.orderBy];
    const { entries, nextPageToken } = pageOf(messages.filter(matches), (route) => route.name ?? "", request, question);
    return { routes: entries, nextPageToken };
  }

  async function explainRoute(request: ExplainRouteRequest, context: Context) {
    const name = textIn((request.request as JsonObject)["model"]);
    noteRoute(context, name, "request.model");
    context.permit(name);
    permitPrincipal(request.principal, context);
    const all = await allRoutes(parts);
    const route = all.find((one) => one.name === name);
    if (!route) throw errors.routeUnknown(name, "request.model");
    // What has a type's name is taken for whole.
    const { $typeName: _, ...explained } = await parts.site.explain(request, context.actor);
    return { ...explained, route: await routeMessage(parts, route, async () => all) };
  }

  async function listProviders() {
    const providers = parts.site.providers().map(async (name) => {
      const kind = await parts.kinds.provider(name);
      const settings = (kind?.settings.fields ?? []).map((field) => ({
        name: field.name,
        type: field.message?.typeName ?? field.enum?.typeName ?? ScalarType[field.scalar!]!.toLowerCase(),
        repeated: field.fieldKind === "list" || field.fieldKind === "map",
        secret: isSecret(field),
      }));
      return { name, settings };
    });
    return { providers: await Promise.all(providers) };
  }

  async function listModels(_request: object, context: Context) {
    const { all, shown } = await visible(context);
    const uses = new Map<string, { model: { provider: string; name: string }; routes: string[] }>();
    const breath = new Breath();
    for (const view of shown) {
      await breath.take();
      for (const { model } of (await routeMessage(parts, view, async () => all)).targets ?? []) {
        const { provider = "", name = "" } = model ?? {};
        const key = JSON.stringify([provider, name]);
        const use = uses.get(key) ?? { model: { provider, name }, routes: [] };
        if (!use.routes.includes(view.name)) use.routes.push(view.name);
        uses.set(key, use);
      }
    }
    return { models: [...uses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, use]) => use) };
  }

  return { getRoute, listRoutes, explainRoute, listProviders, listModels };
}

/** What somebody else may do is for those who may read keys. */
function permitPrincipal(who: string, { actor: { principal } }: Context): void {
  const self = principal.keyId === "" ? principal.name : principal.keyId;
  if (who === "" || who === self || principal.mayAsk("keys.read")) return;
  throw errors.callerForbidden("To explain a call for another key needs the permission keys.read.");
}

type Compare = (a: RouteView, b: RouteView) => number;

/** Throws FIELD_INVALID for an order that there is not. Routes of the file have no times: they come before all others. */
function orderOf(text: string): Compare | undefined {
  if (text.trim() === "") return undefined;
  const [, field, desc] = /^\s*(name|create_time|update_time)(\s+desc)?\s*$/.exec(text) ?? [];
  const sign = desc ? -1 : 1;
  const byName: Compare = (a, b) => (a.name < b.name ? -1 : 1);
  switch (field) {
    case "name":
      return (a, b) => sign * byName(a, b);
    case "create_time":
      return (a, b) => sign * ((a.record?.createdAt ?? 0) - (b.record?.createdAt ?? 0)) || byName(a, b);
    case "update_time":
      return (a, b) => sign * ((a.record?.updatedAt ?? 0) - (b.record?.updatedAt ?? 0)) || byName(a, b);
    default:
      throw errors.fieldInvalid([
        {
          field: "order_by",
          description: "want name, create_time or update_time, with ` desc` for the other way round",
        },
      ]);
  }
}
