import type { Clock } from "../core/clock.ts";
import { asGatewayError, type GatewayError } from "../core/errors.ts";
import type { Inbound, Seen } from "../core/protocol.ts";
import type { OpenSet, Placed } from "./open.ts";

/** What a port hands its requests to. */
export interface Host {
  readonly clock: Clock;
  /** A new request id: unique, printable, short. */
  readonly newId: () => string;
  /** Exchanges that are not over; the port keeps it. */
  readonly open: OpenSet<Exchange>;
  /** A request's head is complete. `flaw`: why it has to be refused, whatever it asks for. Must not throw. */
  readonly handle: (inbound: Inbound, flaw?: GatewayError) => void;
  /** Answers an exchange that failed in a way that nobody foresaw. */
  readonly refuse: (inbound: Inbound, error: GatewayError) => void;
  /** The exchange is over, however it ended; once for each that was handled. Must not throw. */
  readonly finished: (inbound: Inbound) => void;
  /** Bytes came that are no request, and were refused. It is over. Must not throw. */
  readonly unread?: (seen: Seen) => void;
}

/** An exchange as its port sees it. */
export interface Exchange extends Inbound, Placed {
  /** Called about once a second while it is open: ends what takes too long. */
  look(now: number): void;
}

/** What the exchanges of a port share. */
export interface Port {
  readonly host: Host;
  /** Bytes of request bodies that are held at the moment, and may be. */
  readonly memory: { used: number; readonly max: number };
  readonly requestTimeoutMs: number;
  readonly stallTimeoutMs: number;
  /** No further request is taken on a connection once its answer is out. */
  draining: boolean;
}

/**
 * A defect was met in the work for one exchange, below which nobody catches: it would end the process, and with it everybody's
 * calls. This one alone fails.
 */
export function fail(exchange: Exchange, { host }: Port, thrown: unknown): void {
  const error = asGatewayError(thrown);
  try {
    if (exchange.status === 0) host.refuse(exchange, error);
    else exchange.reset();
  } catch {
    exchange.reset();
  }
  exchange.error = error;
}
