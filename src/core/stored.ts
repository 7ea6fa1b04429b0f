import type { JsonObject } from "./json.ts";
import type { Grant } from "./principal.ts";

/** A route of the store, ready to be compiled: plain data, so that it can be sent to a thread. */
export interface StoredRoute {
  readonly name: string;
  /** `polygate.config.v1.Route` in proto3 JSON with proto field names, with the secrets themselves in it: never log it. */
  readonly doc: JsonObject;
  /** Revision that it is from. */
  readonly revision: number;
}

/** The state of the API's routes at a revision. */
export interface StoredRoutes {
  readonly revision: number;
  readonly routes: readonly StoredRoute[];
}

/** A state that serves `percent` of the calls, and when it is to be given up. */
export interface StagedRoutes extends StoredRoutes {
  readonly percent: number;
  readonly marginPercent: number;
  readonly windowMs: number;
  readonly minCalls: number;
}

/** What the store has for a site. */
export interface Stored {
  /** Serves every call that the staged state does not. */
  readonly live: StoredRoutes;
  readonly staged?: StagedRoutes | undefined;
}

/** A key of the store, as far as callers are known by it: plain data, so that it can be sent to a thread. */
export interface RingKey {
  readonly id: string;
  readonly name: string;
  /** HMAC-SHA-256 of the whole key under the ring's own secret, in base64. */
  readonly hash: string;
  readonly grants: readonly Grant[];
  /** Milliseconds since 1970; `undefined`: never. */
  readonly expiresAt: number | undefined;
}

/** The keys that are good now, in one thread; replaced whole when one is made or ended. */
export interface KeyRing {
  /** Counts replacements: what was learnt of an older one is forgotten. */
  readonly version: number;
  /** Whether there is a store that could know a key. */
  readonly open: boolean;
  /** The record of a key that a caller showed, by its keyed hash; expired ones are found too. */
  find(key: string): RingKey | undefined;
}
