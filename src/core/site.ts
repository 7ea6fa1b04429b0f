import type { AdminApi } from "./admin.ts";
import type { Operation } from "./call.ts";
import type { Clock } from "./clock.ts";
import type { Plan } from "./plan.ts";
import type { Admit } from "./policy.ts";

/** MLflow's names of the operations, and one in their manner that it lacks: the config file's `route_type`. */
export const ROUTE_TYPES = {
  "llm/v1/chat": "chat",
  "llm/v1/completions": "completions",
  "llm/v1/embeddings": "embeddings",
  "mlflow/v1/predictions": "predictions",
} as const satisfies Record<string, Operation>;
/** What a route does, as config files spell it. */
export type RouteType = keyof typeof ROUTE_TYPES;

/** One route as callers may see it; no secret, no address. */
export interface RouteInfo {
  readonly name: string;
  readonly routeType: RouteType;
  readonly op: Operation;
  /** In order of trial; at least one. */
  readonly targets: readonly TargetInfo[];
  /** Names of the routes that the targets are of, where the config says it so. */
  readonly destinations?: readonly string[] | undefined;
  /** `undefined`: it may be called as often as anybody likes. */
  readonly limit?: RouteLimit | undefined;
  /** Callers on MLflow's paths who do not say otherwise speak the format of 2.5-2.8. */
  readonly legacy?: boolean;
}

/** One of the models that answer for a route. */
export interface TargetInfo {
  readonly provider: string;
  readonly model: string;
  /** Its share of the calls, beside the others'; absent from all: they are tried in order. */
  readonly weight?: number | undefined;
}

/** How often a route may be called, as its config says it. */
export interface RouteLimit {
  readonly calls: number;
  readonly renewalPeriod: string;
  readonly key: string | undefined;
}

/** What one generation of the config came to. Immutable: a reload makes another. */
export interface Site {
  /** Counts loads, from 1. */
  readonly generation: number;
  /** Number of the state of the routes in the gateway's history; where there is none, `generation`. */
  readonly revision: number;
  /** Seconds since 1970 at which it was loaded; the `created` of OpenAI's model list. */
  readonly loadedAt: number;
  /** In the order of the config file. */
  readonly routes: readonly RouteInfo[];
  route(name: string): RouteInfo | undefined;
  /** Names of the routes that have paths of their own, by these; absent: none has. */
  readonly paths?: ReadonlyMap<string, string> | undefined;
  /**
   * Throws ROUTE_UNKNOWN when no route has the name, OPERATION_UNSUPPORTED when it does another operation or its provider
   * lacks this one.
   */
  plan(op: Operation, name: string): Plan;
  /** Says who a caller is, before the body is read; `undefined`: everybody may call, and nobody is asked. */
  readonly admit?: Admit | undefined;
  readonly maxRequestBytes: number;
  /** Every origin that its targets may dial. */
  readonly origins: readonly string[];
  readonly cors: Cors;
}

/** Which browser origins may call; empty: none. */
export interface Cors {
  /** `*` or origins such as `https://app.example`. */
  readonly origins: readonly string[];
  readonly maxAgeSeconds: number;
}

/** What a protocol is given. `site` is the newest: read it once a request and keep what you read. */
export interface Door {
  readonly site: Site;
  readonly clock: Clock;
  /** Absent where the admin API is not served. */
  readonly admin?: AdminApi | undefined;
  /** Whether the config names a store, so that other protocols than the admin API's own may be asked to change routes. */
  readonly keeps?: boolean;
  /** Calls `listener` after every change of `site`, and when the gateway begins to stop. Returns how to stop listening. */
  onChange(listener: () => void): () => void;
  /** True once the gateway was told to stop. */
  readonly stopping: boolean;
}
