/** A sink that remembers, and an exchange that a test speaks through. */
import type { Body } from "../../src/core/body.ts";
import type { Call } from "../../src/core/call.ts";
import type { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Sink } from "../../src/core/protocol.ts";
import type { Controls, Exchange, Outgoing, Receiver } from "../../src/core/provider.ts";

/** What a sink was told, in order: `reply`, `head`, `data ...`, `event ...`, `end`, `fail REASON`. */
export class RecordingSink implements Sink {
  readonly raw: boolean;
  readonly told: string[] = [];
  error: GatewayError | undefined;
  /** What `data` and `event` answer: false holds the upstream back. */
  room = true;

  constructor(raw = true) {
    this.raw = raw;
  }
  reply(_: Call, body: Body): void {
    this.told.push(`reply ${body.bytes.toString()}`);
  }
  head(): void {
    this.told.push("head");
  }
  data(events: Buffer): boolean {
    this.told.push(`data ${events.toString()}`);
    return this.room;
  }
  event(json: JsonObject): boolean {
    this.told.push(`event ${JSON.stringify(json)}`);
    return this.room;
  }
  end(): void {
    this.told.push("end");
  }
  fail(_: Call, error: GatewayError): void {
    this.error = error;
    this.told.push(`fail ${error.fault.reason}`);
  }
  /** How many calls ended it. */
  get ends(): number {
    return this.told.filter((one) => one === "end" || one.startsWith("fail") || one.startsWith("reply")).length;
  }
}

/** One exchange as the test's end sees it. */
export interface Wire extends Controls {
  readonly outgoing: Outgoing;
  readonly receiver: Receiver;
  readonly did: string[];
}

/** An exchange that does nothing by itself; each call adds a `Wire`. */
export function wires(): { exchange: Exchange; all: Wire[] } {
  const all: Wire[] = [];
  const exchange: Exchange = (outgoing, receiver) => {
    const did: string[] = [];
    const wire: Wire = {
      outgoing,
      receiver,
      did,
      pause: () => void did.push("pause"),
      resume: () => void did.push("resume"),
      abort: () => void did.push("abort"),
    };
    all.push(wire);
    return wire;
  };
  return { exchange, all };
}
