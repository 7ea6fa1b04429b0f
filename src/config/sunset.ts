import type { Route } from "../../gen/polygate/config/v1/config_pb.js";
import type { Origins } from "./origins.ts";
import type { Report } from "./problems.ts";

/** Days that the calendar does not have. */
export function checkSunsets(routes: readonly Route[], origins: Origins, report: Report): void {
  for (const route of routes) {
    if (route.sunset === "" || isDay(route.sunset)) continue;
    const { at, path } = origins.spot(route, "sunset");
    if (!report.has(path)) report.problem(at, path, "the calendar has no such day; want one such as 2027-01-31");
  }
}

/** A month that is too short is read as the next one. */
function isDay(text: string): boolean {
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
