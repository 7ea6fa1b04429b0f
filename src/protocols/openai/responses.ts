import { arrive } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call } from "../../core/call.ts";
import { asGatewayError, GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { collectPlain, notJson } from "../../core/plain.ts";
import type { Endpoint, Inbound, Sink } from "../../core/protocol.ts";
import { errorHeaders, JSON_HEAD, STREAM_HEAD, tie } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import { servedHeaders } from "../../core/served.ts";
import type { Door, Site } from "../../core/site.ts";
import { openAIError } from "../../dialects/openai/error.ts";
import { responseReply } from "../../dialects/responses/reply-out.ts";
import { toCommon } from "../../dialects/responses/request-in.ts";
import { ResponseStream } from "../../dialects/responses/stream-out.ts";
import { checkRequest, routeName } from "./rules.ts";
import { OpenAISink } from "./sink.ts";

/**
 * OpenAI's Responses, without what needs them to be kept: each call brings its whole conversation.
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export function responsesEndpoints(door: Door): readonly Endpoint[] {
  const kept = (inbound: Inbound) => new OpenAISink(inbound).fail(undefined, notKept());
  const ask = (method: string, path: string, handle: Endpoint["handle"]): Endpoint => ({
    method,
    path,
    permission: "inference",
    handle,
  });
  return [
    ask("POST", "/v1/responses", (inbound) => respond(door, inbound)),
    ask("GET", "/v1/responses/{id}", kept),
    ask("DELETE", "/v1/responses/{id}", kept),
    ask("POST", "/v1/responses/{id}/cancel", kept),
    ask("GET", "/v1/responses/{id}/input_items", kept),
  ];
}

function notKept(): GatewayError {
  const why = "The gateway keeps no responses: there is none to be read, cancelled or deleted.";
  return new GatewayError(why, { reason: "OPERATION_UNSUPPORTED" });
}

function respond(door: Door, inbound: Inbound): void {
  const { site } = door;
  const refuse = (thrown: unknown) => new OpenAISink(inbound).fail(undefined, asGatewayError(thrown));
  const wrong = notJson(inbound);
  if (wrong) {
    refuse(wrong);
    return;
  }
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const { json } = Body.ofBytes(bytes);
      const call = callOf(site, inbound, json);
      inbound.call = call;
      const sink = new ResponsesSink(inbound, json);
      tie(
        inbound,
        run(call, sink, door.clock, () => checkRequest("chat", call.body)),
      );
    } catch (thrown) {
      refuse(thrown);
    }
  });
}

function callOf(site: Site, inbound: Inbound, json: Readonly<JsonObject>): Call {
  const name = routeName(json["model"]);
  const asked = toCommon(json);
  const plan = site.plan("chat", name);
  const call = new Call(arrive(inbound, "openai", "openai"), plan, Body.ofJson(asked.json), asked.stream);
  for (const path of asked.dropped) call.adjust("dropped", path);
  return call;
}

/** Answers one caller of the Responses API. */
class ResponsesSink implements Sink {
  readonly raw = false;
  private readonly inbound: Inbound;
  private readonly request: Readonly<JsonObject>;
  private stream: ResponseStream | undefined = undefined;

  constructor(inbound: Inbound, request: Readonly<JsonObject>) {
    this.inbound = inbound;
    this.request = request;
  }

  reply(call: Call, body: Body): void {
    const json = responseReply(body.json, this.request, this.inbound.id);
    this.inbound.send(200, [...JSON_HEAD, ...servedHeaders(call)], JSON.stringify(json));
  }

  head(call: Call): void {
    this.inbound.open(200, [...STREAM_HEAD, ...servedHeaders(call)]);
    this.stream = new ResponseStream(this.request, this.inbound.id, (event) =>
      this.inbound.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
    );
  }

  /** Never called: this end takes events. */
  data(): boolean {
    return true;
  }

  event(json: JsonObject): boolean {
    return this.stream!.event(json);
  }

  end(): void {
    this.stream!.end();
    this.inbound.close();
  }

  fail(call: Call, error: GatewayError): void {
    this.inbound.error = error;
    if (this.stream) {
      this.stream.fail(error);
      this.inbound.close();
      return;
    }
    const headers = [...JSON_HEAD, ...errorHeaders(error), ...servedHeaders(call)];
    this.inbound.send(error.http, headers, openAIError(error));
  }
}
