import { create, type JsonObject } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { ChangeKind, type Stage, StageSchema } from "../../gen/polygate/admin/v1/revision_admin_pb.js";
import {
  DiffRoutesResponseSchema,
  ExplainRouteResponseSchema,
  type Route,
  RouteSchema,
} from "../../gen/polygate/admin/v1/route_admin_pb.js";
import { Lifecycle } from "../../gen/polygate/config/v1/config_pb.js";
import type { Polygate } from "../client/index.ts";
import { changesText } from "./changes.ts";
import { explanation } from "./explanation.ts";
import { readInput } from "./input.ts";
import { CommandFailed, EXIT, type Exit, type Io } from "./io.ts";
import { type Column, type Format, jsonOf, listed, written } from "./output.ts";
import { PAGE, pages } from "./pages.ts";
import { readRoutes, type SecretSettings } from "./route-files.ts";

/** Flags of the commands that make a revision. */
export interface WriteFlags {
  readonly reason?: string;
  readonly dryRun?: boolean;
  /** Calls of 100 that the new revision serves at first. */
  readonly stage?: number;
  /** Seconds. */
  readonly window?: number;
  readonly margin?: number;
  readonly minCalls?: number;
}

const ROUTE_COLUMNS: readonly Column<Route>[] = [
  { title: "name", cell: ({ name }) => name },
  { title: "type", cell: ({ routeType }) => routeType },
  {
    title: "models",
    cell: ({ targets }) => targets.map(({ model }) => `${model?.provider}/${model?.name}`).join(", "),
  },
  { title: "lifecycle", cell: ({ spec }) => Lifecycle[spec?.lifecycle || Lifecycle.PUBLISHED].toLowerCase() },
  { title: "owner", cell: ({ spec }) => spec?.owner ?? "" },
  { title: "source", cell: ({ source }) => sourceText(source) },
  { title: "revision", cell: ({ revision }) => (revision === 0n ? "" : String(revision)) },
];

/** `routes list`. */
export async function list(
  client: Polygate,
  io: Io,
  format: Format,
  { filter = "", orderBy = "" }: { readonly filter?: string; readonly orderBy?: string },
): Promise<Exit> {
  const routes = await pages((pageToken) =>
    client.routes
      .listRoutes({ pageSize: PAGE, pageToken, filter, orderBy })
      .then((page) => [page.routes, page.nextPageToken]),
  );
  listed(io, format, RouteSchema, routes, ROUTE_COLUMNS);
  return EXIT.ok;
}

/** `routes get`. A table has no place for a whole route: it is shown as YAML then. */
export async function get(client: Polygate, io: Io, format: Format, name: string): Promise<Exit> {
  const { route } = await client.routes.getRoute({ name });
  written(io, format === "table" ? "yaml" : format, () => jsonOf(RouteSchema, route!));
  return EXIT.ok;
}

/** `routes apply`: makes the routes of a file, changes those that differ, and with `prune` removes the API's that are not in it. */
export async function apply(
  client: Polygate,
  io: Io,
  format: Format,
  flags: WriteFlags & { readonly filename: string; readonly prune?: boolean },
): Promise<Exit> {
  const routes = await readRoutes(flags.filename, await secretSettings(client), io);
  const { changes } = await client.routes.diffRoutes({ routes: [...routes], prune: flags.prune ?? false });
  const { stage, reason = "", dryRun: validateOnly = false } = { ...flags, stage: stageOf(flags) };
  if (stage && changes.length > 1)
    throw new CommandFailed(`${changes.length} routes would change; with --stage apply one at a time.`, EXIT.invalid);
  const common = { validateOnly, reason, ...(stage && { stage }) };
  for (const { route: name, kind } of changes) {
    const route = routes.find((one) => one.name === name);
    if (kind === ChangeKind.DELETED) await client.routes.deleteRoute({ name, ...common });
    else
      await client.routes.updateRoute({ route: route!, updateMask: { paths: ["*"] }, allowMissing: true, ...common });
    if (format === "table") io.out(`${DONE[kind]} ${name}${validateOnly ? " (dry run)" : ""}\n`);
  }
  if (format === "table" && changes.length === 0) io.out("nothing to change\n");
  written(io, format, () => jsonOf(DiffRoutesResponseSchema, create(DiffRoutesResponseSchema, { changes })));
  return EXIT.ok;
}

const DONE: Readonly<Record<ChangeKind, string>> = { 0: "changed", 1: "created", 2: "updated", 3: "deleted" };

/** `routes diff`: exits with 1 when something differs, as diff does. */
export async function diff(
  client: Polygate,
  io: Io,
  format: Format,
  { filename, prune = false }: { readonly filename: string; readonly prune?: boolean },
): Promise<Exit> {
  const routes = await readRoutes(filename, await secretSettings(client), io);
  const response = await client.routes.diffRoutes({ routes: [...routes], prune });
  if (!written(io, format, () => jsonOf(DiffRoutesResponseSchema, response))) io.out(changesText(response.changes));
  return response.changes.length > 0 ? EXIT.differs : EXIT.ok;
}

/** `routes delete`. */
export async function remove(
  client: Polygate,
  io: Io,
  name: string,
  flags: WriteFlags & { readonly etag?: string },
): Promise<Exit> {
  const { dryRun: validateOnly = false, reason = "", etag = "" } = flags;
  const stage = stageOf(flags);
  const { revision } = await client.routes.deleteRoute({ name, etag, validateOnly, reason, ...(stage && { stage }) });
  io.out(validateOnly ? `${name} can be deleted\n` : `deleted ${name} (revision ${revision})\n`);
  return EXIT.ok;
}

/** `routes explain`. */
export async function explain(
  client: Polygate,
  io: Io,
  format: Format,
  flags: { readonly operation: string; readonly data: string; readonly principal?: string },
): Promise<Exit> {
  const request = await objectIn(flags.data);
  const { operation, principal = "" } = flags;
  const response = await client.routes.explainRoute({ operation, request, principal });
  if (!written(io, format, () => jsonOf(ExplainRouteResponseSchema, response))) io.out(explanation(response));
  return EXIT.ok;
}

async function objectIn(data: string): Promise<JsonObject> {
  const text = data.startsWith("@") ? (await readInput(data.slice(1))).toString("utf8") : data;
  try {
    const json = JSON.parse(text) as unknown;
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as JsonObject;
  } catch {
    // Told below.
  }
  throw new CommandFailed("--data wants a JSON object, or @ and the file of one.", EXIT.invalid);
}

function stageOf({ stage: percent, window, margin, minCalls }: WriteFlags): Stage | undefined {
  if (percent === undefined) return undefined;
  return create(StageSchema, {
    percent,
    ...(margin !== undefined && { marginPercent: margin }),
    ...(window !== undefined && { window: durationFromMs(window * 1000) }),
    ...(minCalls !== undefined && { minCalls }),
  });
}

async function secretSettings(client: Polygate): Promise<SecretSettings> {
  const { providers } = await client.routes.listProviders({});
  return new Map(
    providers.map(({ name, settings }) => [name, new Set(settings.filter((one) => one.secret).map((one) => one.name))]),
  );
}

function sourceText(source: Route["source"]): string {
  const { case: kind, value } = source?.owner ?? {};
  return kind === "file" ? String(value) : (kind ?? "");
}
