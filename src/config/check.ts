import type { Config, Model, Route } from "../../gen/polygate/config/v1/config_pb.js";
import { readAllowed } from "../core/address.ts";
import type { Origins } from "./origins.ts";
import { checkPaths } from "./paths.ts";
import type { Report } from "./problems.ts";
import { formatAlone, registryAccess } from "./registry.ts";
import { checkShares } from "./shares.ts";
import { checkSunsets } from "./sunset.ts";
import { isNull } from "./tree.ts";
import { shown } from "./values.ts";

/** The models of a route, in the order in which they are tried. */
export function modelsOf(route: Route): readonly Model[] {
  if (route.model) return [route.model];
  return route.targets.flatMap(({ model }) => model ?? []);
}

/** What the fields' own rules cannot say: rules between fields and between routes. Defaults are filled in already. */
export function checkConfig(config: Config, origins: Origins, report: Report): void {
  const routes = origins.field(config, "routes");
  if (!routes || isNull(routes.node)) {
    if (!report.explains("routes"))
      report.problem(
        origins.of(config).at,
        "routes",
        "missing; list at least one route, or write `routes: []` for none",
      );
  } else if (config.routes.length === 0 && !config.mlflow?.discover.length && !report.has(routes.path))
    report.warn(routes.at, routes.path, "no routes; every call is answered that there is none");
  uniqueNames(config.routes, origins, report);
  for (const route of config.routes) oneSourceOfModels(route, origins, report);
  checkShares(config, origins, report);
  checkPaths(config, origins, report);
  checkSunsets(config.routes, origins, report);
  separatePorts(config, origins, report);
  allowedAddresses(config, origins, report);
  if (config.mlflow) registryAccess(config.mlflow, origins, report);
  for (const { mlflow } of config.routes) if (mlflow) formatAlone(mlflow, origins, report);
  for (const route of config.routes) batchOfRows(route, origins, report);
}

function batchOfRows({ batch, routeType }: Route, origins: Origins, report: Report): void {
  if (batch === undefined || routeType === "mlflow/v1/predictions" || routeType === "") return;
  const { at, path } = origins.of(batch);
  report.problem(at, path, `is for mlflow/v1/predictions, and the route is of type ${routeType}; remove it`);
}

function uniqueNames(routes: readonly Route[], origins: Origins, report: Report): void {
  const lines = new Map<string, number>();
  for (const route of routes.filter(({ name }) => name !== "")) {
    const { at, path } = origins.spot(route, "name");
    const first = lines.get(route.name);
    if (first !== undefined)
      report.problem(at, path, `the route on line ${first} has this name too; rename one of them`);
    else lines.set(route.name, at.line);
  }
}

const SOURCES = ["model", "targets", "destinations"] as const;

function oneSourceOfModels(route: Route, origins: Origins, report: Report): void {
  const given = SOURCES.filter((name) => origins.field(route, name));
  const [first, second] = given;
  if (first === undefined) {
    const { at, path } = origins.spot(route, "model");
    const others = SOURCES.map((name) => origins.spot(route, name).path);
    // A route that is no table, or whose key is misspelt, has been told of.
    if (report.has(origins.of(route).path) || report.explains(...others)) return;
    report.problem(at, path, "missing; add it, or targets to try in order");
    return;
  }
  const { at, path } = origins.spot(route, second ?? first);
  if (second === "targets") {
    report.problem(at, path, "cannot stand beside model; make the model the first of the targets");
  } else if (second) report.problem(at, path, `cannot stand beside ${first}; remove one of them`);
  else if (first === "model" || route[first].length > 0 || report.has(path)) return;
  else if (first === "targets") report.problem(at, path, "empty; add a target, or give a model");
  else report.problem(at, path, "empty; name a route, or give a model");
}

/** Two listeners cannot share an address; port 0 is never the same one. */
function separatePorts({ listen, admin }: Config, origins: Origins, report: Report): void {
  if (!listen || !admin || admin.port === 0 || admin.port !== listen.port) return;
  const everywhere = [listen.host, admin.host].some((host) => host === "0.0.0.0" || host === "::");
  if (!everywhere && admin.host !== listen.host) return;
  const { at, path } = origins.spot(admin, "port");
  report.problem(at, path, `the same port as listen's, ${listen.port}; choose another`);
}

function allowedAddresses({ egress }: Config, origins: Origins, report: Report): void {
  const list = egress && origins.field(egress, "allow");
  if (!egress || list?.node.kind !== "list") return;
  for (const [index, item] of list.node.items.entries()) {
    if (item.kind !== "scalar" || typeof item.value !== "string" || readAllowed(item.value)) continue;
    const want = "want an address, a block such as 10.1.0.0/16, or a name such as llm.example.com";
    report.problem(item.at, `${list.path}[${index}]`, `${want}, have ${shown(item)}`);
  }
}
