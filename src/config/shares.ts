import type { Config, Model, Route } from "../../gen/polygate/config/v1/config_pb.js";
import { didYouMean } from "./nearest.ts";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";

/** One of the models that answer for a route. */
export interface Share {
  readonly model: Model;
  /** Its part of the calls, beside the others'; 0: only when others fail. `undefined`, then of all: in order of trial. */
  readonly weight: number | undefined;
}

/** The models that answer for a route, in the order of the file; also those of the routes that it names as destinations. */
export function sharesOf(route: Route, { routes }: Pick<Config, "routes">): readonly Share[] {
  if (route.model) return [{ model: route.model, weight: undefined }];
  if (route.destinations.length > 0) {
    return route.destinations.flatMap(({ name, trafficPercentage }) => {
      const model = routes.find((other) => other.name === name)?.model;
      return model ? { model, weight: trafficPercentage } : [];
    });
  }
  const weighs = route.targets.some(({ weight }) => weight !== undefined);
  return route.targets.flatMap(({ model, weight }) =>
    model ? { model, weight: weighs ? (weight ?? 1) : undefined } : [],
  );
}

/** What is wrong with the weights of targets, and with destinations. What the fields' own rules refused is not told again. */
export function checkShares(config: Config, origins: Origins, report: Report): void {
  // Of two with one name, which is told elsewhere, the first.
  const byName = new Map(config.routes.toReversed().map((route) => [route.name, route]));
  for (const route of config.routes) {
    weightsAlone(route, config, origins, report);
    destinationsAreRoutes(route, byName, origins, report);
  }
}

function weightsAlone(route: Route, config: Config, origins: Origins, report: Report): void {
  const { at, path } = origins.spot(route, "targets");
  if (route.targets.length === 0 || !sharesOf(route, config).every(({ weight }) => weight === 0)) return;
  report.problem(at, path, "every weight is 0, and nobody would answer; give one of them more");
}

function destinationsAreRoutes(
  route: Route,
  byName: ReadonlyMap<string, Route>,
  origins: Origins,
  report: Report,
): void {
  for (const destination of route.destinations) {
    const { at, path } = origins.spot(destination, "name");
    const { name } = destination;
    if (name === "") continue;
    const other = byName.get(name);
    const quoted = JSON.stringify(name);
    if (!other) report.problem(at, path, `no route is called ${quoted}${didYouMean(name, [...byName.keys()])}`);
    else if (!origins.field(other, "model"))
      report.problem(at, path, `${quoted} has no model of its own; name a route that has`);
    else if (other.routeType !== route.routeType && other.routeType !== "" && route.routeType !== "") {
      report.problem(at, path, `${quoted} is of type ${other.routeType}; want one of type ${route.routeType}`);
    }
  }
  const sum = route.destinations.reduce((all, { trafficPercentage = 0 }) => all + trafficPercentage, 0);
  const whole = route.destinations.every(({ trafficPercentage }) => trafficPercentage !== undefined);
  const { at, path } = origins.spot(route, "destinations");
  if (route.destinations.length > 0 && whole && sum !== 100) {
    report.problem(at, path, `the percentages make ${sum}; make them 100`);
  }
}
