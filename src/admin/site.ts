import type { ExplainRouteRequest, ExplainRouteResponse } from "../../gen/polygate/admin/v1/route_admin_pb.js";
import type { Actor } from "../core/admin.ts";
import type { JsonObject } from "../core/json.ts";
import type { StoredRoute } from "../core/stored.ts";

/** A route of the config file, or one that it had discovered. */
export interface FileRoute {
  readonly name: string;
  /** `polygate.config.v1.Route` in proto3 JSON with proto field names, with the secrets themselves in it: never log it. */
  readonly doc: JsonObject;
  /** Such as `polygate.yaml:12`; empty: it was discovered in MLflow's registry, and whoever gives its name to another wins. */
  readonly place: string;
}

/** One thing for which routes cannot be compiled. */
export interface RouteProblem {
  /** Name of the route at fault; empty: of the whole. */
  readonly route: string;
  /** Path within the route, such as `model.config.api_key`; empty: the route as a whole. */
  readonly field: string;
  /** What is wrong, and what to do; never a secret's value. */
  readonly description: string;
}

/** The running gateway, as far as the admin API needs it; one for a process. */
export interface AdminSite {
  /** The routes of the file that is live now, in its order, and behind them those that were discovered. */
  fileRoutes(): readonly FileRoute[];
  /** Kinds of providers, sorted. */
  providers(): readonly string[];
  /**
   * Loads and compiles the live file with these routes in the place of the store's, and uses nothing of it. Routes that only the
   * file has a problem with have none here.
   *
   * @param routes All of the API's routes as they would be, secrets open.
   */
  checkRoutes(routes: readonly StoredRoute[]): Promise<readonly RouteProblem[]>;
  /** Looks at the ledger now. Resolves when this process runs the revision or a later one, or after 2 s. Never throws. */
  applied(revision: number): Promise<void>;
  /** Looks at the ledger's keys now. Resolves when every thread of this process knows them, or after 2 s. Never throws. */
  keysApplied(): Promise<void>;
  /** The revision that calls run on here, a staged one left out; 0: none yet. */
  liveRevision(): number;
  /**
   * What would be done with a request, by the compiled site; secrets masked by `Seals.mask`. The caller was already found to
   * be allowed to ask. Throws ROUTE_UNKNOWN, RESOURCE_UNKNOWN for the principal, or FIELD_INVALID.
   * `route` stays unset: the admin API adds it.
   */
  explain(request: ExplainRouteRequest, actor: Actor): Promise<ExplainRouteResponse>;
}
