import type { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { Inbound, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD } from "../../core/rest.ts";
import { servedHeaders } from "../../core/served.ts";
import { scoringError } from "../../dialects/scoring/fault.ts";

/** Answers one caller with the bytes of the model server. */
export class PredictSink implements Sink {
  readonly raw = true;
  private readonly inbound: Inbound;

  constructor(inbound: Inbound) {
    this.inbound = inbound;
  }

  reply(call: Call, body: Body): void {
    this.inbound.send(200, [...JSON_HEAD, ...servedHeaders(call)], body.bytes);
  }
  fail(call: Call, error: GatewayError): void {
    refuse(this.inbound, error, servedHeaders(call));
  }
  /** The rest is never called: predictions are never streamed. */
  head(): void {}
  data(): boolean {
    return true;
  }
  event(): boolean {
    return true;
  }
  end(): void {}
}

/** Answers with `{"error_code": ..., "message": ...}`. */
export function refuse(inbound: Inbound, error: GatewayError, served: readonly string[] = []): void {
  inbound.error = error;
  inbound.send(error.http, [...JSON_HEAD, ...errorHeaders(error), ...served], scoringError(error));
}
