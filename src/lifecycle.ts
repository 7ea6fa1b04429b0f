import { Lifecycle, type Route } from "../gen/polygate/config/v1/config_pb.js";
import { GatewayError } from "./core/errors.ts";

const DAY_MS = 86_400_000;

/** Whether callers find the route in lists. */
export function isListed({ lifecycle }: Route): boolean {
  return lifecycle !== Lifecycle.DRAFT && lifecycle !== Lifecycle.RETIRED;
}

/** Why callers may not use a route that is there; `undefined`: they may, or are told that there is none. */
export function refusalOf({ name, lifecycle, sunset }: Route): (() => GatewayError) | undefined {
  if (lifecycle !== Lifecycle.RETIRED) return undefined;
  const since = sunset === "" ? "" : ` since ${sunset}`;
  const words = `The route ${JSON.stringify(name)} is retired${since}; ask for another one.`;
  return () => new GatewayError(words, { reason: "ROUTE_UNKNOWN", http: 410, param: "model", code: null });
}

/**
 * What callers of a route that ends are told by headers; flat name, value.
 *
 * @param loadedAt Milliseconds since 1970 at which its state was loaded: nobody noted since when it is deprecated, and it is by
 *   then. The day alone is told, so that workers and replicas say the same.
 * @see RFC 9745 for `deprecation`, RFC 8594 for `sunset`.
 */
export function noticeOf({ lifecycle, sunset }: Route, loadedAt: number): readonly string[] | undefined {
  if (lifecycle !== Lifecycle.DEPRECATED) return undefined;
  const since = Math.floor(loadedAt / DAY_MS) * (DAY_MS / 1000);
  const end = sunset === "" ? [] : ["sunset", new Date(sunset).toUTCString()];
  return ["deprecation", `@${since}`, ...end];
}
