import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { errors, type GatewayError } from "../../core/errors.ts";
import type { Inbound } from "../../core/protocol.ts";

/** One RPC's caller: the exchange that it came by, and the news that no more of an answer is wanted. */
export class Caller {
  readonly inbound: Inbound;
  /** The call got past Connect's own checks: from here on every failure was shaped by the boundary. */
  reached = false;
  /** Why the call ended early: CALLER_GONE, or what the gateway ended it with. `undefined`: it goes on. */
  over: GatewayError | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private readonly endings: ((error: GatewayError) => void)[] = [];
  private drained: (() => void) | undefined = undefined;

  constructor(inbound: Inbound) {
    this.inbound = inbound;
    // Named first: V8 keeps a literal that is assigned to a property, and the call with it, until a full collection.
    const gone = () => this.end(errors.callerGone());
    const stop = (error: GatewayError) => this.end(error);
    const drain = () => this.wake();
    inbound.onGone = gone;
    inbound.onStop = stop;
    inbound.onDrain = drain;
  }

  /** Aborted with `over` as its reason. Made when it is read: most calls never need one. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.over) this.controller.abort(this.over);
    }
    return this.controller.signal;
  }
  get gone(): boolean {
    return this.over?.fault.reason === "CALLER_GONE";
  }

  /** Calls `ending` once if the call ends early, at once if it has. */
  onEnd(ending: (error: GatewayError) => void): void {
    if (this.over) ending(this.over);
    else this.endings.push(ending);
  }

  /** Resolves when the caller's buffer is empty again, or it left. */
  drain(): Promise<void> {
    return new Promise((resolve) => this.onFree(resolve));
  }

  /** As `drain`, by a call of `then`. */
  onFree(then: () => void): void {
    if (this.gone) then();
    else this.drained = then;
  }

  private end(error: GatewayError): void {
    // A caller can still leave after the gateway ended its call.
    if (this.gone || (this.over && error.fault.reason !== "CALLER_GONE")) return;
    const first = this.over === undefined;
    this.over = error;
    this.wake();
    if (!first) return;
    this.controller?.abort(error);
    for (const ending of this.endings) ending(error);
  }

  private wake(): void {
    const { drained } = this;
    this.drained = undefined;
    drained?.();
  }
}

const KEY: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined, { description: "caller" });

export { KEY as CALLER };

/** The caller of the RPC that a handler answers. */
export function callerOf({ values }: Pick<HandlerContext, "values">): Caller {
  return values.get(KEY)!;
}
