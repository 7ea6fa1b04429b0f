import { arrive } from "../../core/arrival.ts";
import { Call } from "../../core/call.ts";
import { asGatewayError, GatewayError } from "../../core/errors.ts";
import { collectPlain } from "../../core/plain.ts";
import type { Inbound } from "../../core/protocol.ts";
import { run } from "../../core/run.ts";
import type { Door } from "../../core/site.ts";
import { readBody } from "../../dialects/mlflow/body.ts";
import { toCommon } from "../../dialects/mlflow/request.ts";
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
  collectPlain(inbound, site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const { body, speech } = readBody(op, inbound.headers, bytes);
      const asked = toCommon(op, body, speech);
      const arrival = { ...arrive(inbound, "mlflow", "mlflow"), legacy: speech.format === "legacy" };
      const call = new Call(arrival, site.plan(op, name), asked.body, asked.stream);
      inbound.call = call;
      const sink = new MlflowSink(inbound, op, speech.format);
      sink.tie(run(call, sink, door.clock));
    } catch (thrown) {
      refuse(inbound, asGatewayError(thrown));
    }
  });
}
