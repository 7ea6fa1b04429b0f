import type { Config } from "../../gen/polygate/config/v1/config_pb.js";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";

/** Paths of the gateway's own, and what begins with them: a route that took one would be reached today and not tomorrow. */
const RESERVED =
  /^\/(?:v1|v1beta|gateway|endpoints|api\/[23]\.0|docs|redoc|openapi\.json|favicon\.ico|health|livez|readyz|metrics|version|(?:grpc|polygate)\.[^/]*)(?:\/|$)|^\/?$/;

/** Whether a path is the gateway's own; those under `/predict/` are the routes'. */
export function isReserved(path: string): boolean {
  return RESERVED.test(path);
}

/** What is wrong with the paths of routes. */
export function checkPaths({ routes }: Config, origins: Origins, report: Report): void {
  const taken = new Map<string, string>(routes.map(({ name }) => [`/predict/${name}`, name]));
  for (const route of routes.filter((one) => one.path !== "")) {
    const { at, path } = origins.spot(route, "path");
    const other = taken.get(route.path);
    const tell = (message: string) => report.problem(at, path, message);
    if (route.routeType !== "mlflow/v1/predictions" && route.routeType !== "") {
      tell("is for routes of type mlflow/v1/predictions alone; remove it");
    } else if (/\/\.{1,2}(?:\/|$)/.test(route.path)) {
      tell("clients take . and .. out of a path before they send it; write it without them");
    } else if (isReserved(route.path)) tell("is the gateway's own; take one such as /predict/sentiment");
    else if (other !== undefined && other !== route.name)
      tell(`the route ${JSON.stringify(other)} is called there; take another`);
    else taken.set(route.path, route.name);
  }
}
