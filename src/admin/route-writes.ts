import type {
  CreateRouteRequest,
  DeleteRouteRequest,
  UpdateRouteRequest,
} from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { errors, type Violation } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { RouteRecord } from "../core/ledger.ts";
import { movedSecrets } from "./addresses.ts";
import { docOf, messageOf, openDoc, sealedTexts, unmaskDoc } from "./docs.ts";
import type { Written } from "./draft.ts";
import { type DocPath, readPath, setPaths, withPaths } from "./field-path.ts";
import { type Context, type Handler, noteRoute } from "./method.ts";
import type { AdminParts } from "./parts.ts";
import type { RouteProblem } from "./site.ts";
import { allRoutes, ownedByFile, routeMessage, viewOf } from "./views.ts";
import type { Writer } from "./writer.ts";

/** Characters of a route's JSON: the history and the audit log have it before and after each change, many of them on a page. */
const MAX_ROUTE = 256 * 1024;

/** CreateRoute, UpdateRoute and DeleteRoute. */
export function routeWrites(parts: AdminParts, writer: Writer): Readonly<Record<string, Handler>> {
  const { seals } = parts;

  const begin = (name: string, field: string, context: Context): void => {
    noteRoute(context, name, field);
    if (name === "") throw errors.fieldInvalid([{ field, description: "missing; say which route" }]);
    context.permit(name);
    const file = ownedByFile(parts, name);
    if (file) throw errors.resourceOwned(`The route ${JSON.stringify(name)} stands at ${file.place}; change it there.`);
  };
  const answer = async (name: string, { routes }: Written) => {
    const record = routes.find((route) => route.name === name)!;
    return { route: await routeMessage(parts, viewOf(parts, record), () => allRoutes(parts)) };
  };

  async function createRoute({ route, validateOnly, stage, reason }: CreateRouteRequest, context: Context) {
    const name = route?.name ?? "";
    begin(name, "route.name", context);
    const given = docOf(route!);
    const make = async (_reads: unknown, _head: unknown, routes: readonly RouteRecord[]) => {
      if (recordOf(name, routes)) throw errors.resourceExists(`A route is named ${JSON.stringify(name)} already.`);
      const after = await accepted(parts, given, given, undefined);
      return { cause: "create", reason, stage, changes: [{ name, after }], fieldOf: fieldIn(name) } as const;
    };
    return answer(name, await writer.write(context, make, validateOnly));
  }

  async function updateRoute(request: UpdateRouteRequest, context: Context) {
    const { route, updateMask, etag, validateOnly, allowMissing, stage, reason } = request;
    const name = route?.name ?? "";
    begin(name, "route.name", context);
    const given = docOf(route!);
    const make = async (_reads: unknown, _head: unknown, routes: readonly RouteRecord[]) => {
      const record = recordOf(name, routes);
      if (!record && !allowMissing) throw errors.routeUnknown(name, "route.name");
      if (etag !== "" && etag !== record?.etag) throw stale(name);
      const before = record && openDoc(seals, record.doc);
      const paths = await pathsOf(parts, updateMask?.paths ?? [], given, before ?? {});
      const next = paths === "all" || !before ? given : withPaths(before, given, paths);
      const after = await accepted(parts, given, { ...next, name }, before);
      const changes = [{ name, before, after }];
      return { cause: record ? "update" : "create", reason, stage, changes, fieldOf: fieldIn(name) } as const;
    };
    return answer(name, await writer.write(context, make, validateOnly));
  }

  async function deleteRoute(request: DeleteRouteRequest, context: Context) {
    const { name, etag, validateOnly, allowMissing, stage, reason } = request;
    begin(name, "name", context);
    const make = async (_reads: unknown, _head: unknown, routes: readonly RouteRecord[]) => {
      const record = recordOf(name, routes);
      if (!record && !allowMissing) throw errors.routeUnknown(name, "name");
      if (record && etag !== "" && etag !== record.etag) throw stale(name);
      const changes = record ? [{ name, before: openDoc(seals, record.doc) }] : [];
      return { cause: "delete", reason, stage, changes, fieldOf: fieldIn(name) } as const;
    };
    const { revision } = await writer.write(context, make, validateOnly);
    return { revision: BigInt(revision.number) };
  }

  return { createRoute, updateRoute, deleteRoute };
}

const recordOf = (name: string, routes: readonly RouteRecord[]) => routes.find((route) => route.name === name);

const stale = (name: string) =>
  errors.staleEtag(`The route ${JSON.stringify(name)} changed since it was read; read it and try again.`);

/** Problems of the route itself by their place in the request; of others, which a change may break, by their names. */
const fieldIn =
  (name: string) =>
  ({ route, field }: RouteProblem): string => {
    const base = route === name || route === "" ? "route" : `routes/${route}`;
    return field === "" ? base : `${base}.${field}`;
  };

/**
 * The doc with the secrets in it that its masks name, in the one form that docs have. Throws FIELD_INVALID.
 *
 * @param given As it was sent.
 * @param doc With what stays of `current`.
 */
async function accepted(
  parts: AdminParts,
  given: JsonObject,
  doc: JsonObject,
  current: JsonObject | undefined,
): Promise<JsonObject> {
  const open = await unmaskDoc(parts, doc, current);
  const moved = current && open.violations.length === 0 ? await movedSecrets(parts, given, current, open.doc) : [];
  const violations = [...sealedTexts(open.doc), ...open.violations, ...moved].map(
    ({ field, description }): Violation => ({ field: `route.${field}`, description }),
  );
  const [first, ...more] = violations;
  if (first) throw errors.fieldInvalid([first, ...more]);
  const next = docOf(messageOf(open.doc));
  if (JSON.stringify(next).length <= MAX_ROUTE) return next;
  throw errors.fieldInvalid([
    { field: "route", description: "is over 256 KiB as JSON; spread it over several routes" },
  ]);
}

/** The paths of the mask. Throws FIELD_INVALID naming each that is none. */
async function pathsOf(
  { kinds }: Pick<AdminParts, "kinds">,
  mask: readonly string[],
  given: JsonObject,
  current: JsonObject,
): Promise<readonly DocPath[] | "all"> {
  if (mask.length === 0) return setPaths(given, current);
  if (mask.length === 1 && mask[0] === "*") return "all";
  const read = await Promise.all(mask.map((path) => readPath(path, kinds, [given, current])));
  const violations = read.flatMap((one, index): Violation[] => {
    if (!("problem" in one)) return [];
    return [{ field: "update_mask", description: `${mask[index]}: ${one.problem}` }];
  });
  const [first, ...more] = violations;
  if (first) throw errors.fieldInvalid([first, ...more]);
  return read as DocPath[];
}
