import { arrive } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { asGatewayError, GatewayError } from "../../core/errors.ts";
import { collectPlain } from "../../core/plain.ts";
import type { Inbound } from "../../core/protocol.ts";
import { tie } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import type { Door, RouteInfo } from "../../core/site.ts";
import { readBody } from "../../dialects/mlflow/body.ts";
import { refusal } from "../../dialects/mlflow/issue.ts";
import { type Asked, toCommon } from "../../dialects/mlflow/request.ts";
import { type Speech, speechAt } from "../../dialects/mlflow/speech.ts";
import { MlflowSink, refuse } from "./sink.ts";

/** Calls a route by its name; what it does is said by its type, and the form of the answer by who asks. */
export function invoke(door: Door, inbound: Inbound, name: string): void {
  const { site } = door;
  const route = site.route(name);
  if (route === undefined) {
    // In MLflow every route is a path of its own.
    refuse(inbound, new GatewayError("Not Found", { reason: "ROUTE_UNKNOWN" }));
    return;
  }
  const { op } = route;
  if (op === "predictions") {
    const why = `The route ${JSON.stringify(name)} gives predictions; ask it at /predict/${name}.`;
    refuse(inbound, new GatewayError(why, { reason: "OPERATION_UNSUPPORTED" }));
    return;
  }
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const { body, speech: heard, keys } = readBody(op, inbound.headers, bytes);
      const speech = speechAt(route, heard, keys);
      const asked = toCommon(op, body, speech, route.targets[0]);
      start(door, inbound, route, asked, speech);
    } catch (thrown) {
      refuse(inbound, asGatewayError(thrown));
    }
  });
}

/** Calls the route that `model` names: for MLflow's own clients at OpenAI's paths, as in MLflow 2.22, and at MLflow 3's own. */
export function invokeModel(door: Door, inbound: Inbound, op: Operation): void {
  const { site } = door;
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const { body, speech } = readBody(op, inbound.headers, bytes);
      const { model = null, ...rest } = body.json;
      const route = typeof model === "string" ? site.route(model) : undefined;
      const asked = toCommon(op, Body.ofJson(rest), speech, route?.op === op ? route.targets[0] : undefined);
      const named = typeof model === "string" ? model : "None";
      if (route === undefined) throw refusal(`Route ${named} not found in the configuration.`, 400);
      if (route.op !== op) {
        throw refusal(`Endpoint '${route.name}' is not ${op === "embeddings" ? "an" : "a"} ${op} endpoint.`, 400);
      }
      start(door, inbound, route, asked, speech);
    } catch (thrown) {
      refuse(inbound, asGatewayError(thrown));
    }
  });
}

function start(door: Door, inbound: Inbound, { name, op }: RouteInfo, asked: Asked, speech: Speech): void {
  const arrival = arrive(inbound, "mlflow", "mlflow", { legacy: speech.format === "legacy", era: speech.era });
  const call = new Call(arrival, door.site.plan(op, name), asked.body, asked.stream);
  inbound.call = call;
  const sink = new MlflowSink(inbound, op, speech);
  tie(inbound, run(call, sink, door.clock));
}
