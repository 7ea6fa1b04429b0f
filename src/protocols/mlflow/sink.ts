import type { Body } from "../../core/body.ts";
import type { Call, Operation } from "../../core/call.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Inbound, Running, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD, STREAM_HEAD } from "../../core/rest.ts";
import { servedHeaders } from "../../core/served.ts";
import { exactJson } from "../../dialects/mlflow/exact.ts";
import { mlflowError, mlflowStatus } from "../../dialects/mlflow/fault.ts";
import { legacyReply } from "../../dialects/mlflow/legacy.ts";
import { modernEvent, modernReply } from "../../dialects/mlflow/modern.ts";
import type { Format } from "../../dialects/mlflow/speech.ts";
import { modernBytes } from "../../dialects/mlflow/splice.ts";
import { openAIError } from "../../dialects/openai/error.ts";

/**
 * Answers one MLflow caller. A stream that is whole ends with `[DONE]`, which MLflow leaves out: its clients read past it,
 * and without it a whole stream looks like one that was cut.
 */
export class MlflowSink implements Sink {
  readonly raw = false;
  private readonly inbound: Inbound;
  private readonly op: Operation;
  private readonly format: Format;
  private streaming = false;
  /** The answer that was made of a reply's bytes, and those: another target may have answered since. */
  private made: Buffer | undefined = undefined;
  private of: Buffer | undefined = undefined;

  constructor(inbound: Inbound, op: Operation, format: Format) {
    this.inbound = inbound;
    this.op = op;
    this.format = format;
  }

  /** Ties the call and its caller: a reader's pace holds the upstream back, a caller's leaving ends it. */
  tie(running: Running): void {
    // Named first: V8 keeps a literal that is assigned to a property, and the call with it, until a full collection.
    const drain = () => running.resume();
    const gone = () => running.cancel();
    const stop = (error: GatewayError) => running.stop(error);
    this.inbound.onDrain = drain;
    this.inbound.onGone = gone;
    this.inbound.onStop = stop;
  }

  takes(reply: Buffer): boolean {
    this.of = reply;
    this.made = this.format === "modern" ? modernBytes(this.op, reply) : undefined;
    return this.made !== undefined;
  }

  reply(call: Call, body: Body): void {
    const made = this.made !== undefined && body.size > 0 && body.bytes === this.of ? this.made : undefined;
    this.inbound.send(200, [...JSON_HEAD, ...servedHeaders(call)], made ?? this.anew(body));
  }

  private anew(body: Body): string {
    // A vector's numbers are doubles, however they are spelt, and there are thousands of them.
    const said = this.op === "embeddings" ? body.json : exactJson(body);
    return JSON.stringify((this.format === "legacy" ? legacyReply : modernReply)(this.op, said));
  }

  head(call: Call): void {
    this.streaming = true;
    this.inbound.open(200, [...STREAM_HEAD, ...servedHeaders(call)]);
  }

  /** Never called: this end takes events. */
  data(): boolean {
    return true;
  }

  event(json: JsonObject): boolean {
    return this.inbound.write(`data: ${JSON.stringify(modernEvent(this.op, json))}\n\n`);
  }

  end(): void {
    this.inbound.write("data: [DONE]\n\n");
    this.inbound.close();
  }

  fail(call: Call, error: GatewayError): void {
    if (!this.streaming) {
      refuse(this.inbound, error, servedHeaders(call));
      return;
    }
    this.inbound.error = error;
    this.inbound.write(`data: ${openAIError(error)}\n\n`);
    this.inbound.close();
  }
}

/** Answers with `{"detail": ...}`. */
export function refuse(inbound: Inbound, error: GatewayError, served: readonly string[] = []): void {
  inbound.error = error;
  inbound.send(mlflowStatus(error), [...JSON_HEAD, ...errorHeaders(error), ...served], mlflowError(error));
}
