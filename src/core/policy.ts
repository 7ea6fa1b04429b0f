import type { Call } from "./call.ts";
import type { GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Maybe, Tools } from "./provider.ts";

/**
 * What a policy does at each phase of a call, in this order. An absent hook costs nothing. A hook refuses by throwing a
 * `GatewayError`.
 */
export interface Hooks {
  /** Before a target is chosen. May change `call.body` by `set`. */
  readonly before?: (call: Call) => Maybe<void>;
  /** A whole reply in the common shape; what is returned is sent. */
  readonly reply?: (call: Call, json: JsonObject) => JsonObject;
  /** One event of a stream in the common shape; `undefined` drops it. */
  readonly chunk?: (call: Call, json: JsonObject) => JsonObject | undefined;
  /** Once for each attempt that failed, the last one included; must not throw. */
  readonly fault?: (call: Call, error: GatewayError) => void;
  /** Once for every call, last, after the caller has its bytes; must not throw. */
  readonly settle?: (call: Call) => void;
}

/** A kind of policy: one folder under `policies/`. Compiled once per route; its state is in the closure. */
export interface Policy<Settings> {
  readonly kind: string;
  readonly settings: unknown;
  compile(settings: Settings, tools: Tools): Hooks;
}
