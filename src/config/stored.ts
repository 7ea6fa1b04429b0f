import type { Route } from "../../gen/polygate/config/v1/config_pb.js";
import type { Json, JsonObject } from "../core/json.ts";
import type { StoredRoute } from "../core/stored.ts";
import type { Place, Problem } from "./problems.ts";
import type { Entry, Node } from "./tree.ts";

/** Who has a route. */
export type Owner =
  /** The config file; `place` as in `polygate.yaml:12`. */
  | { readonly kind: "file"; readonly place: string }
  /** The admin API; the revision that the route is from. */
  | { readonly kind: "api"; readonly revision: number };

/** A route of the store as a file would have it: its places have no lines, but the name of the route in place of a file's. */
export function nodeOfRoute({ name, doc }: StoredRoute): Node {
  return nodeOf(doc, { line: 0, column: 0, stored: { file: `admin API: routes/${name}`, base: baseOf(name) } });
}

const OF_STORE = /^admin API: routes\/(.*)$/;

/** Name of the route of the store that a problem is of; `undefined`: it is one of the file. */
export function storedRouteOf({ file }: Pick<Problem, "file">): string | undefined {
  return OF_STORE.exec(file)?.[1];
}

/** Where the paths of a route of the store begin, so that no two routes have one path; problems leave it out. */
export function baseOf(name: string): string {
  return `<${name}>`;
}

function nodeOf(json: Json, at: Place): Node {
  if (Array.isArray(json)) return { kind: "list", at, items: json.map((item) => nodeOf(item, at)) };
  if (typeof json !== "object" || json === null) return { kind: "scalar", at, value: json };
  const entries = Object.entries(json).map(([key, value]): [string, Entry] => [
    key,
    { at, value: nodeOf(value ?? null, at) },
  ]);
  return { kind: "table", at, entries: new Map(entries) };
}

/** The routes of the file and of the store, each with its owner, and all that was said of each. */
export interface Owned {
  readonly owners: ReadonlyMap<Route, Owner>;
  /**
   * `polygate.config.v1.Route` in proto3 JSON with proto field names, as the owner wrote it: without defaults, with the secrets
   * themselves in it. Never log it.
   */
  readonly docOf: (route: Route) => JsonObject;
}
