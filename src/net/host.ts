import type { Clock } from "../core/clock.ts";
import type { Inbound } from "../core/protocol.ts";

/** What a port hands its requests to. */
export interface Host {
  readonly clock: Clock;
  /** A new request id: unique, printable, short. */
  readonly newId: () => string;
  /** A request's head is complete. Must not throw. */
  readonly handle: (inbound: Inbound) => void;
  /** The exchange is over, however it ended; once for each that was handled. Must not throw. */
  readonly finished: (inbound: Inbound) => void;
}
