import type { Call } from "./call.ts";
import type { GatewayError } from "./errors.ts";
import type { JsonObject } from "./json.ts";
import type { Principal } from "./principal.ts";
import type { Inbound } from "./protocol.ts";
import type { Maybe, SettingsProblem, Tools } from "./provider.ts";
import type { RouteLimit } from "./site.ts";
import type { Counters } from "./store.ts";
import type { KeyRing } from "./stored.ts";

/** The head of a request: all that is known of a caller before the body is read. */
export type Head = Pick<Inbound, "method" | "path" | "headers" | "remote"> & Partial<Pick<Inbound, "query">>;

/**
 * Says who a caller is, on the head alone. Gives or throws CALLER_UNKNOWN, or CALLER_FORBIDDEN; the body of a caller who is
 * refused is never read. The answer is whom the caller is taken for, and what it may do. To throw costs as much as the rest of a
 * refusal.
 */
export type Admit = (head: Head) => Maybe<Principal | GatewayError>;

/**
 * What a policy does at each phase of a call, in this order. An absent hook costs nothing. A hook refuses by throwing a
 * `GatewayError`; `admit` and `before` may give it in place of that, which costs less.
 */
export interface Hooks {
  /** Once for every exchange but those that are open to all. Of policies of the whole gateway alone. */
  readonly admit?: Admit;
  /** Before a target is chosen. May change `call.body` by `set`. */
  readonly before?: (call: Call) => Maybe<GatewayError | undefined>;
  /** A whole reply in the common shape; what is returned is sent. */
  readonly reply?: (call: Call, json: JsonObject) => JsonObject;
  /** One event of a stream in the common shape; `undefined` drops it. */
  readonly chunk?: (call: Call, json: JsonObject) => JsonObject | undefined;
  /** Once for each attempt that failed, the last one included; must not throw. */
  readonly fault?: (call: Call, error: GatewayError) => void;
  /** Once for every call, last, after the caller has its bytes; must not throw. */
  readonly settle?: (call: Call) => void;
  /** No phase: what those who list a route are told of its limit. */
  readonly limit?: RouteLimit;
}

/** What a policy is given to work with. */
export interface PolicyTools extends Tools {
  /** They outlive a reload of the config. */
  readonly counters: Counters;
  /** The store's keys; it is another one whenever a key is made or ended, while the policy stays. */
  readonly keys: KeyRing;
  /** The route that the policy is compiled for; empty: the whole gateway. */
  readonly route: string;
}

/**
 * A kind of policy: one folder under `policies/`, whose `index.ts` exports this as `policy`. Its settings are its own proto
 * message, in `v1/settings.proto` beside it. Compiled once for each place where the config has it; its state is in the
 * closure, and what has to outlive a reload is in the counters.
 */
export interface Policy<Settings> {
  readonly kind: string;
  /** Descriptor of `Settings`, a protobuf-es `DescMessage`. */
  readonly settings: unknown;
  /** Rules that the descriptor cannot say; every problem, none when all is well. Never repeats a secret. */
  check?(settings: Settings): readonly SettingsProblem[];
  compile(settings: Settings, tools: PolicyTools): Hooks;
}
