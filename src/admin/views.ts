import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ModelSchema, RouteSchema } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { Lifecycle, type Model } from "../../gen/polygate/config/v1/config_pb.js";
import { sharesOf } from "../config/shares.ts";
import { canonicalJson } from "../core/chain.ts";
import type { JsonObject } from "../core/json.ts";
import type { LedgerReads, RouteRecord } from "../core/ledger.ts";
import { providerOf } from "./doc-secrets.ts";
import { maskDoc, messageOf, openDoc } from "./docs.ts";
import type { AdminParts } from "./parts.ts";
import type { FileRoute } from "./site.ts";

/** A route, whoever has it. */
export interface RouteView {
  readonly name: string;
  /** Open: never show it. */
  readonly doc: JsonObject;
  readonly file?: FileRoute | undefined;
  readonly record?: RouteRecord | undefined;
}

/** Every route: the file's in its order, then the API's by name. */
export async function allRoutes(parts: AdminParts, reads: LedgerReads = parts.ledger): Promise<RouteView[]> {
  const records = await reads.routes();
  const taken = new Set(records.map(({ name }) => name));
  const files = parts.site
    .fileRoutes()
    .filter(({ name, place }) => place !== "" || !taken.has(name))
    .map((file): RouteView => ({ name: file.name, doc: file.doc, file }));
  return [...files, ...records.map((record) => viewOf(parts, record))];
}

/** A route of the store. */
export function viewOf({ seals }: Pick<AdminParts, "seals">, record: RouteRecord): RouteView {
  return { name: record.name, doc: openDoc(seals, record.doc), record };
}

/** The file's route of a name; one that was discovered is in nobody's way. */
export function ownedByFile({ site }: Pick<AdminParts, "site">, name: string): FileRoute | undefined {
  return site.fileRoutes().find((route) => route.name === name && route.place !== "");
}

/** The route of a name, whoever has it. */
export async function findRoute(parts: AdminParts, name: string): Promise<RouteView | undefined> {
  const record = await parts.ledger.route(name);
  const file = ownedByFile(parts, name);
  if (record && !file) return viewOf(parts, record);
  const found = file ?? parts.site.fileRoutes().find((route) => route.name === name);
  return found && { name, doc: found.doc, file: found };
}

type RouteInit = MessageInitShape<typeof RouteSchema>;

/**
 * A route as callers see it, secrets masked.
 *
 * @param among All routes: one may spread its calls over others' models. Asked for by such a one alone.
 */
export async function routeMessage(
  parts: AdminParts,
  { name, doc, file, record }: RouteView,
  among: () => Promise<readonly RouteView[]>,
): Promise<RouteInit> {
  const masked = await maskDoc(parts, doc);
  const spec = messageOf(masked);
  const named = new Set(spec.destinations.map((one) => one.name));
  const others = named.size > 0 ? (await among()).filter((one) => named.has(one.name)) : [];
  const routes = others.map((one) => messageOf(one.doc));
  const models = await Promise.all(sharesOf(spec, { routes }).map(({ model }) => modelMessage(parts, model)));
  const common = {
    name,
    routeType: spec.routeType,
    routeUrl: `/gateway/${encodeURIComponent(name)}/invocations`,
    ...(models[0] && { model: models[0] }),
    targets: models.map((model, index) => ({ name: String(index), model })),
    spec,
  };
  if (file)
    return {
      ...common,
      source: { owner: file.place === "" ? { case: "registry", value: true } : { case: "file", value: file.place } },
      etag: fileEtag(masked),
      author: "file",
    };
  return {
    ...common,
    source: { owner: { case: "api", value: true } },
    etag: record!.etag,
    revision: BigInt(record!.revision),
    createTime: timestampFromMs(record!.createdAt),
    updateTime: timestampFromMs(record!.updatedAt),
    author: record!.author,
  };
}

async function modelMessage(
  { kinds }: Pick<AdminParts, "kinds">,
  model: Model,
): Promise<MessageInitShape<typeof ModelSchema>> {
  const provider = providerOf({ provider: model.provider });
  return { provider, name: model.name || ((await kinds.provider(provider))?.defaultModel ?? "") };
}

/** Changes with the doc; of secrets with their masks, so that nobody can try guesses on it. */
function fileEtag(masked: JsonObject): string {
  return createHash("sha256").update(canonicalJson(masked)).digest("hex").slice(0, 16);
}

/** What `ListRoutesRequest.filter` may ask for. */
export const ROUTE_FIELDS = [
  "name",
  "route_type",
  "provider",
  "model",
  "owner",
  "lifecycle",
  "source",
  "labels.*",
] as const;

/** A route's values under a filter's field. */
export function routeValues(route: RouteInit, field: string): readonly string[] {
  const spec = route.spec!;
  const models = (route.targets ?? []).map(({ model }) => model);
  switch (field) {
    case "name":
      return [route.name ?? ""];
    case "route_type":
      return [route.routeType ?? ""];
    case "provider":
      return models.map((model) => model?.provider ?? "");
    case "model":
      return models.map((model) => model?.name ?? "");
    case "owner":
      return [spec.owner ?? ""];
    case "lifecycle":
      return [Lifecycle[spec.lifecycle || Lifecycle.PUBLISHED]!.toLowerCase()];
    case "source":
      return [route.source?.owner?.case ?? ""];
    default: {
      const label = spec.labels?.[field.slice("labels.".length)];
      return label === undefined ? [] : [label];
    }
  }
}
