import type { Body } from "../../core/body.ts";
import type { Call } from "../../core/call.ts";
import type { Counted } from "../../core/counting.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Inbound, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD, STREAM_HEAD } from "../../core/rest.ts";
import { servedHeaders } from "../../core/served.ts";
import { anthropicError } from "../../dialects/anthropic/fault.ts";
import { replyOut } from "../../dialects/anthropic/reply-out.ts";
import { StreamOut } from "../../dialects/anthropic/stream-out.ts";

/** Answers one caller of the Messages API. */
export class AnthropicSink implements Sink {
  readonly raw = false;
  private readonly inbound: Inbound;
  private stream: StreamOut | undefined = undefined;

  constructor(inbound: Inbound) {
    this.inbound = inbound;
  }

  reply(call: Call, body: Body): void {
    const json = JSON.stringify(this.replied(body.json));
    this.inbound.send(200, [...JSON_HEAD, ...idOf(this.inbound), ...servedHeaders(call)], json);
  }

  head(call: Call): void {
    this.stream = new StreamOut(this.inbound.id);
    this.inbound.open(200, [...STREAM_HEAD, ...idOf(this.inbound), ...servedHeaders(call)]);
  }

  /** Never called: this end takes events. */
  data(): boolean {
    return true;
  }

  event(json: JsonObject): boolean {
    const text = this.stream!.event(json);
    return text === "" || this.inbound.write(text);
  }

  alive(): void {
    const text = this.stream!.alive();
    if (text !== "") this.inbound.write(text);
  }

  end(): void {
    this.inbound.write(this.stream!.end());
    this.inbound.close();
  }

  fail(call: Call | undefined, error: GatewayError): void {
    if (this.stream === undefined) {
      refuse(this.inbound, error, call === undefined ? [] : servedHeaders(call));
      return;
    }
    this.inbound.error = error;
    this.inbound.write(`event: error\ndata: ${anthropicError(error, this.inbound.id)}\n\n`);
    this.inbound.close();
  }

  protected replied(json: Readonly<JsonObject>): JsonObject {
    return replyOut(json, this.inbound.id);
  }
}

/** Answers one caller who wants a count: it is as the provider gave it. */
export class CountSink extends AnthropicSink {
  protected override replied(json: Readonly<JsonObject>): JsonObject {
    const { input_tokens, told } = json as Counted;
    // Another API's count has other names for it.
    return told["input_tokens"] === undefined ? { input_tokens } : told;
  }
}

/** Answers with an error in Anthropic's form. */
export function refuse(inbound: Inbound, error: GatewayError, served: readonly string[] = []): void {
  inbound.error = error;
  const headers = [...JSON_HEAD, ...idOf(inbound), ...errorHeaders(error), ...served];
  inbound.send(error.http, headers, anthropicError(error, inbound.id));
}

/** The header in which Anthropic's SDKs look for the request's id. */
function idOf(inbound: Inbound): readonly string[] {
  return ["request-id", inbound.id];
}
