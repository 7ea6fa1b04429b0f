import type { DiffRoutesRequest } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { keyPath } from "../config/problems.ts";
import { errors, type Violation } from "../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import { changeOf, isSame, type OpenChange } from "./diff.ts";
import { mapSecrets } from "./doc-secrets.ts";
import { docOf, unmaskDoc } from "./docs.ts";
import type { Context } from "./method.ts";
import type { AdminParts } from "./parts.ts";
import { allRoutes } from "./views.ts";

/** DiffRoutes: what applying routes would change, whoever has those that are live. */
export async function diffRoutes(parts: AdminParts, { routes, prune }: DiffRoutesRequest, context: Context) {
  assertNamed(routes.map(({ name }) => name));
  for (const { name } of routes) context.permit(name);
  const live = await allRoutes(parts);
  const changes: OpenChange[] = [];
  for (const route of routes) {
    const before = live.find(({ name }) => name === route.name)?.doc;
    const { doc } = await unmaskDoc(parts, docOf(route), before);
    changes.push({ name: route.name, before, after: before ? await withSecretsOf(parts, before, doc) : doc });
  }
  const wanted = new Set(routes.map(({ name }) => name));
  const gone = live.filter(({ name, record }) => prune && record && !wanted.has(name) && context.permits(name));
  changes.push(...gone.map(({ name, doc }) => ({ name, before: doc })));
  const shown = changes.filter((change) => !isSame(change));
  return { changes: await Promise.all(shown.map((change) => changeOf(parts, change))) };
}

function assertNamed(names: readonly string[]): void {
  const violations = names.flatMap((name, index): Violation[] => {
    const field = `routes[${index}].name`;
    if (name === "") return [{ field, description: "missing; say which route" }];
    return names.indexOf(name) < index ? [{ field, description: "another one has this name too" }] : [];
  });
  const [first, ...more] = violations;
  if (first) throw errors.fieldInvalid([first, ...more]);
}

/** Secrets that are live and absent in the doc are not compared: the doc gets them. */
async function withSecretsOf(parts: AdminParts, live: JsonObject, doc: JsonObject): Promise<JsonObject> {
  const secrets = new Set<string>();
  await mapSecrets(parts.kinds, live, (text, path) => {
    secrets.add(path);
    return text;
  });
  return filled(doc, live, "", secrets) as JsonObject;
}

function filled(value: Json | undefined, live: Json, path: string, secrets: ReadonlySet<string>): Json | undefined {
  if (value === undefined && secrets.has(path)) return live;
  if (Array.isArray(live)) {
    if (!Array.isArray(value)) return value;
    return value.map((item, index) => filled(item, live[index] ?? null, `${path}[${index}]`, secrets)!);
  }
  if (!isObject(live) || (value !== undefined && !isObject(value))) return value;
  const result: JsonObject = { ...value };
  for (const [key, item] of Object.entries(live)) {
    const inner = filled(value?.[key], item ?? null, keyPath(path, key), secrets);
    if (inner !== undefined) result[key] = inner;
  }
  return value === undefined && Object.keys(result).length === 0 ? undefined : result;
}
