import { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Inbound, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD, STREAM_HEAD } from "../../core/rest.ts";
import { servedHeaders } from "../../core/served.ts";
import { openAIError } from "../../dialects/openai/error.ts";

/** Answers one OpenAI caller: bytes of the common shape go out as they came. */
export class OpenAISink implements Sink {
  readonly raw = true;
  private readonly inbound: Inbound;
  private streaming = false;
  private call: Call | undefined = undefined;

  constructor(inbound: Inbound) {
    this.inbound = inbound;
  }

  reply(call: Call, body: Body): void {
    const isOwn = call.target?.upstream.reads?.[call.plan.op] === undefined;
    const said = isOwn || hasId(call, body.peek("id")) ? body : Body.ofJson({ ...body.json, id: idOf(call) });
    this.inbound.send(200, [...JSON_HEAD, ...servedHeaders(call)], said.bytes);
  }

  head(call: Call): void {
    this.streaming = true;
    this.call = call;
    this.inbound.open(200, [...STREAM_HEAD, ...servedHeaders(call)]);
  }

  data(events: Buffer): boolean {
    return this.inbound.write(events);
  }

  event(json: JsonObject): boolean {
    const { call } = this;
    const said = call === undefined || hasId(call, json["id"]) ? json : { ...json, id: idOf(call) };
    return this.inbound.write(`data: ${JSON.stringify(said)}\n\n`);
  }

  end(): void {
    this.inbound.write("data: [DONE]\n\n");
    this.inbound.close();
  }

  fail(call: Call | undefined, error: GatewayError): void {
    this.inbound.error = error;
    if (this.streaming) {
      this.inbound.write(`data: ${openAIError(error)}\n\n`);
      this.inbound.close();
      return;
    }
    const served = call === undefined ? [] : servedHeaders(call);
    this.inbound.send(error.http, [...JSON_HEAD, ...errorHeaders(error), ...served], openAIError(error));
  }
}

/**
 * Typed clients of OpenAI's take an answer's `id` for a text always, and its SDK for Node loses a stream's usage where it is empty;
 * several providers have none. Vectors have none anywhere.
 */
function hasId({ plan }: Call, id: Json | undefined): boolean {
  return (id ?? "") !== "" || plan.op === "embeddings";
}

function idOf({ plan, arrival }: Call): string {
  return `${plan.op === "chat" ? "chatcmpl" : "cmpl"}-${arrival.id}`;
}
