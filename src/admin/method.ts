import type { Actor } from "../core/admin.ts";
import { errors } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { LedgerWrites } from "../core/ledger.ts";
import type { AdminPermission } from "../core/principal.ts";

/** What is written down of an act beside who and when. */
export interface Noted {
  /** Such as `routes/chat`. */
  readonly resource?: string;
  /** Secrets masked. */
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
  readonly revision?: number;
}

/** What a method's handler has of its call. */
export interface Context {
  readonly actor: Actor;
  /** Of the method, such as `routes.write`. */
  readonly permission: AdminPermission;
  /** Says what the call is about, for what is written down of it, also when it is refused. Later words win. */
  note(noted: Noted): void;
  /** Throws CALLER_FORBIDDEN unless the actor may do what the method asks on this route; `*` is all routes. */
  permit(route: string): void;
  /** Whether `permit` lets it pass. */
  permits(route: string): boolean;
  /**
   * Runs a transaction that ends by writing down the act as it was noted, so that neither is there without the other. What it
   * throws undoes both. Throws RESOURCE_OWNED when the ledger is not writable, and STORE_UNAVAILABLE.
   */
  write<T>(act: (tx: LedgerWrites) => Promise<T>): Promise<T>;
}

/** Characters of a route's name; what is longer is written down nowhere. */
const MAX_NAME = 512;

/** Notes that a call is about a route. Throws FIELD_INVALID when its name is too long to be one. */
export function noteRoute(context: Pick<Context, "note">, name: string, field: string): void {
  context.note({ resource: `routes/${name.slice(0, MAX_NAME)}` });
  if (name.length <= MAX_NAME) return;
  throw errors.fieldInvalid([{ field, description: `has more than ${MAX_NAME} characters; take a shorter one` }]);
}

/** A unary method: takes the request's message, gives an init of the answer's. Throws `GatewayError`. */
export type Handler = (request: never, context: Context) => Promise<object>;

/** A server stream; ends when `signal` is aborted. */
export type Streamer = (request: never, context: Context, signal: AbortSignal) => AsyncIterable<object>;

/** A service's methods by their names in TypeScript, such as `createRoute`. */
export interface Methods {
  readonly unary: Readonly<Record<string, Handler>>;
  readonly streams?: Readonly<Record<string, Streamer>>;
}
