import type { Dialect, Operation } from "./call.ts";
import type { Hooks } from "./policy.ts";
import type { Exchange, Upstream } from "./provider.ts";

/** One model of one provider, ready to be called. */
export interface Target {
  /** Place in the route's list, from 0; with the provider and model it names the target in logs and in `Served`. */
  readonly index: number;
  readonly provider: string;
  readonly model: string;
  readonly upstream: Upstream;
  readonly exchange: Exchange;
  /** Its dialect for the plan's operation. */
  readonly speaks: Dialect;
  /** Further instances of the same model; absent: there are none. */
  readonly more?: readonly Target[];
}

/** How long requests for predictions are cut. */
export interface Batch {
  readonly maxRows: number;
  /** Parts of one call that are under way at a time. */
  readonly maxParallel: number;
}

/** Milliseconds and bytes that one route allows. Sources and defaults: `polygate.config.v1.Limits`. */
export interface Limits {
  /** From the start of an attempt to the first byte of the answer's head. */
  readonly firstByteMs: number;
  /** Silence allowed within an answer; comments of a stream do not count as sound. */
  readonly chunkMs: number;
  /** Everything, from arrival to the last byte. */
  readonly totalMs: number;
  readonly maxReplyBytes: number;
  readonly maxRequestBytes: number;
}

/** Everything decided early about one route's operation; frozen. The only thing a request reads. */
export interface Plan extends Limits {
  readonly route: string;
  readonly op: Operation;
  /** Of the site that it is part of. */
  readonly revision: number;
  /** Headers of every answer, whatever becomes of the call; flat name, value. Of a route that ends. */
  readonly notice?: readonly string[] | undefined;
  /** A request that a target cannot get as asked is refused, in place of being adjusted. */
  readonly strict: boolean;
  /** As the route lists them. */
  readonly targets: readonly Target[];
  /** Draws the order in which one call tries the targets; absent: all try them as listed. */
  readonly order?: (() => readonly Target[]) | undefined;
  /** Absent: requests are sent as they are. */
  readonly batch?: Batch | undefined;
  readonly before: readonly NonNullable<Hooks["before"]>[];
  readonly reply: readonly NonNullable<Hooks["reply"]>[];
  readonly chunk: readonly NonNullable<Hooks["chunk"]>[];
  readonly fault: readonly NonNullable<Hooks["fault"]>[];
  readonly settle: readonly NonNullable<Hooks["settle"]>[];
}
