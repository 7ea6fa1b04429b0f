import { arrive } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { asGatewayError, errors, type GatewayError } from "../../core/errors.ts";
import { listedFor, listedRoute } from "../../core/grants.ts";
import type { JsonObject } from "../../core/json.ts";
import { collectPlain, notJson } from "../../core/plain.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { JSON_HEAD, sendJson, tie } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import type { Door, RouteInfo, Site } from "../../core/site.ts";
import { anthropicError } from "../../dialects/anthropic/fault.ts";
import { modelInfo, modelsList } from "../../dialects/anthropic/models-list.ts";
import { googleError } from "../../dialects/gemini/fault.ts";
import { googleModel, googleModels } from "../../dialects/gemini/models.ts";
import { responsesEndpoints } from "./responses.ts";
import { checkRequest, routeName } from "./rules.ts";
import { OpenAISink } from "./sink.ts";

/**
 * OpenAI's paths: chat completions, completions, embeddings and models, where `model` is the name of a route.
 * @see https://platform.openai.com/docs/api-reference
 */
export const protocol: Protocol = { kind: "openai", mounts };

function mounts(door: Door): readonly Mount[] {
  const ask = (path: string, handle: Endpoint["handle"]): Endpoint => ({
    method: "POST",
    path,
    permission: "inference",
    handle,
  });
  const list = (path: string, handle: Endpoint["handle"]): Endpoint => ({
    method: "GET",
    path,
    permission: "listed",
    handle,
  });
  const endpoints: Endpoint[] = [
    ask("/v1/chat/completions", (inbound) => answer(door, inbound, "chat")),
    ask("/v1/completions", (inbound) => answer(door, inbound, "completions")),
    ask("/v1/embeddings", (inbound) => answer(door, inbound, "embeddings")),
    ...responsesEndpoints(door),
    list("/v1/models", (inbound) => listModels(door.site, inbound)),
    list("/v1/models/{id}", (inbound, [id]) => getModel(door.site, inbound, id!)),
  ];
  // Where MLflow 3 passes OpenAI's requests through.
  const passed: Endpoint[] = endpoints
    .filter(({ method, path }) => method === "POST" && !path.includes("{"))
    .map((one) => ({ ...one, path: `/gateway/openai${one.path}` }));
  const refuse: Mount["refuse"] = (inbound, error) => new OpenAISink(inbound).fail(undefined, error);
  // What belongs to no family is refused in the words that most clients read.
  return [
    { prefix: "/v1", endpoints, refuse },
    { prefix: "/gateway/openai/", endpoints: passed, refuse },
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
      tie(
        inbound,
        run(call, sink, door.clock, () => checkRequest(op, call.body)),
      );
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
  const routes = listedFor(inbound.principal, site);
  if (isAnthropics(inbound)) sendJson(inbound, modelsList(routes, loadedAt(site)));
  else if (isGoogles(inbound)) sendJson(inbound, googleModels(routes));
  else sendJson(inbound, { object: "list", data: routes.map((route) => model(site, route)) });
}

function getModel(site: Site, inbound: Inbound, name: string): void {
  const route = listedRoute(inbound.principal, site, name);
  if (isAnthropics(inbound)) answerOther(inbound, route && modelInfo(route, loadedAt(site)), name, anthropicError);
  else if (isGoogles(inbound)) answerOther(inbound, route && googleModel(route), name, googleErrorText);
  else if (route) sendJson(inbound, model(site, route));
  else new OpenAISink(inbound).fail(undefined, errors.routeUnknown(name));
}

/** Anthropic has a path of the same name, and its clients say who they are. */
function isAnthropics({ headers }: Inbound): boolean {
  return headers["anthropic-version"] !== undefined;
}

/** So has Google's newer API, and its clients do, too. */
function isGoogles({ headers }: Inbound): boolean {
  return headers["x-goog-api-client"] !== undefined;
}

function googleErrorText(error: GatewayError): string {
  return JSON.stringify(googleError(error));
}

function loadedAt(site: Site): string {
  return new Date(site.loadedAt * 1000).toISOString();
}

function answerOther(
  inbound: Inbound,
  json: JsonObject | undefined,
  name: string,
  said: (error: GatewayError, id: string) => string,
): void {
  if (json) sendJson(inbound, json);
  else {
    const error = errors.routeUnknown(name);
    inbound.error = error;
    inbound.send(error.http, JSON_HEAD, said(error, inbound.id));
  }
}

function model(site: Site, route: RouteInfo) {
  return { id: route.name, object: "model", created: site.loadedAt, owned_by: route.targets[0]!.provider };
}
