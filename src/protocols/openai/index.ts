import { arrive } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { asGatewayError, errors } from "../../core/errors.ts";
import { collectPlain, notJson } from "../../core/plain.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { sendJson } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import type { Door, RouteInfo, Site } from "../../core/site.ts";
import { responsesEndpoints } from "./responses.ts";
import { checkRequest, routeName } from "./rules.ts";
import { OpenAISink } from "./sink.ts";

/**
 * OpenAI's paths: chat completions, completions, embeddings and models, where `model` is the name of a route.
 * @see https://platform.openai.com/docs/api-reference
 */
export const protocol: Protocol = { kind: "openai", mounts };

function mounts(door: Door): readonly Mount[] {
  const endpoints: Endpoint[] = [
    { method: "POST", path: "/v1/chat/completions", handle: (inbound) => answer(door, inbound, "chat") },
    { method: "POST", path: "/v1/completions", handle: (inbound) => answer(door, inbound, "completions") },
    { method: "POST", path: "/v1/embeddings", handle: (inbound) => answer(door, inbound, "embeddings") },
    ...responsesEndpoints(door),
    { method: "GET", path: "/v1/models", handle: (inbound) => listModels(door.site, inbound) },
    { method: "GET", path: "/v1/models/{id}", handle: (inbound, params) => getModel(door.site, inbound, params[0]!) },
  ];
  const refuse: Mount["refuse"] = (inbound, error) => new OpenAISink(inbound).fail(undefined, error);
  // What belongs to no family is refused in the words that most clients read.
  return [
    { prefix: "/v1", endpoints, refuse },
    { prefix: "", endpoints: [], refuse },
  ];
}

function answer(door: Door, inbound: Inbound, op: Operation): void {
  const { site } = door;
  const sink = new OpenAISink(inbound);
  const wrong = notJson(inbound);
  if (wrong) {
    sink.fail(undefined, wrong);
    return;
  }
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const call = callOf(site, inbound, op, Body.ofBytes(bytes));
      inbound.call = call;
      sink.tie(run(call, sink, door.clock, () => checkRequest(op, call.body)));
    } catch (thrown) {
      sink.fail(undefined, asGatewayError(thrown));
    }
  });
}

function callOf(site: Site, inbound: Inbound, op: Operation, body: Body): Call {
  const name = routeName(body.peek("model"));
  const stream = body.peek("stream") ?? false;
  if (typeof stream !== "boolean")
    throw errors.fieldInvalid([{ field: "stream", description: "must be true or false" }]);
  const plan = site.plan(op, name);
  return new Call(arrive(inbound, "openai", "openai"), plan, body, stream && op !== "embeddings");
}

function listModels(site: Site, inbound: Inbound): void {
  sendJson(inbound, { object: "list", data: site.routes.map((route) => model(site, route)) });
}

function getModel(site: Site, inbound: Inbound, name: string): void {
  const route = site.route(name);
  if (route) sendJson(inbound, model(site, route));
  else new OpenAISink(inbound).fail(undefined, errors.routeUnknown(name));
}

function model(site: Site, route: RouteInfo) {
  return { id: route.name, object: "model", created: site.loadedAt, owned_by: route.targets[0]!.provider };
}
