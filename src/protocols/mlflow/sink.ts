import type { Body } from "../../core/body.ts";
import type { Call, Operation } from "../../core/call.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Target } from "../../core/plan.ts";
import type { Inbound, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD, STREAM_HEAD } from "../../core/rest.ts";
import { servedHeaders } from "../../core/served.ts";
import type { Member } from "../../core/survey.ts";
import { eraFault, type Failed } from "../../dialects/mlflow/era/faults.ts";
import { eraEvent, eraReply, formOf } from "../../dialects/mlflow/era/replies.ts";
import { exactJson } from "../../dialects/mlflow/exact.ts";
import { mlflowError, mlflowStatus } from "../../dialects/mlflow/fault.ts";
import { legacyReply } from "../../dialects/mlflow/legacy.ts";
import { modernEvent, modernReply } from "../../dialects/mlflow/modern.ts";
import type { Speech } from "../../dialects/mlflow/speech.ts";
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
  private readonly speech: Speech;
  private streaming = false;
  private target: Target | undefined = undefined;
  /** The answer that was made of a reply's bytes, and those: another target may have answered since. */
  private made: Buffer | undefined = undefined;
  private of: Buffer | undefined = undefined;

  constructor(inbound: Inbound, op: Operation, speech: Speech) {
    this.inbound = inbound;
    this.op = op;
    this.speech = speech;
  }

  takes(reply: Buffer, { target }: Pick<Call, "target">): readonly Member[] | undefined {
    const { op } = this;
    const { format, era } = this.speech;
    this.of = reply;
    const form = era === undefined ? "modern" : formOf({ era, op, provider: target!.provider, model: target!.model });
    const told = format === "legacy" || form === undefined ? undefined : modernBytes(op, reply, form === "exact");
    this.made = told?.bytes;
    return told?.members;
  }

  reply(call: Call, body: Body): void {
    const made = this.made !== undefined && body.size > 0 && body.bytes === this.of ? this.made : undefined;
    this.inbound.send(200, [...JSON_HEAD, ...servedHeaders(call)], made ?? JSON.stringify(this.anew(call, body)));
  }

  private anew(call: Call, body: Body): JsonObject {
    // A vector's numbers are doubles, however they are spelt, and there are thousands of them.
    const said = this.op === "embeddings" ? body.json : exactJson(body);
    const { format, era } = this.speech;
    const exact = era && eraReply({ era, op: this.op, ...call.target! }, said);
    return exact ?? (format === "legacy" ? legacyReply : modernReply)(this.op, said);
  }

  head(call: Call): void {
    this.streaming = true;
    this.target = call.target;
    this.inbound.open(200, [...STREAM_HEAD, ...servedHeaders(call)]);
  }

  /** Never called: this end takes events. */
  data(): boolean {
    return true;
  }

  event(json: JsonObject): boolean {
    const { era } = this.speech;
    const exact = era && this.target && eraEvent({ era, op: this.op, ...this.target }, json);
    if (exact === null) return true;
    return this.inbound.write(`data: ${JSON.stringify(exact ?? modernEvent(this.op, json))}\n\n`);
  }

  end(): void {
    this.inbound.write("data: [DONE]\n\n");
    this.inbound.close();
  }

  fail(call: Call, error: GatewayError): void {
    if (!this.streaming) {
      const { era } = this.speech;
      refuse(this.inbound, error, servedHeaders(call), era && { era, op: this.op, provider: call.target?.provider });
      return;
    }
    this.inbound.error = error;
    this.inbound.write(`data: ${openAIError(error)}\n\n`);
    this.inbound.close();
  }
}

/** Answers with `{"detail": ...}`. @param failed As MLflow told it to its own clients, where it did. */
export function refuse(inbound: Inbound, error: GatewayError, served: readonly string[] = [], failed?: Failed): void {
  inbound.error = error;
  const as = failed && eraFault(error, failed);
  if (as && as.detail === undefined) {
    crash(inbound, [...errorHeaders(error), ...served]);
    return;
  }
  const body = as ? JSON.stringify({ detail: as.detail }) : mlflowError(error);
  inbound.send(as?.http ?? mlflowStatus(error), [...JSON_HEAD, ...errorHeaders(error), ...served], body);
}

/** As MLflow's server does when its own code fails. */
export function crash(inbound: Inbound, headers: readonly string[] = []): void {
  inbound.send(500, ["content-type", "text/plain; charset=utf-8", ...headers], "Internal Server Error");
}
