import { arrive, header } from "../../core/arrival.ts";
import { Body } from "../../core/body.ts";
import { Call } from "../../core/call.ts";
import { asGatewayError } from "../../core/errors.ts";
import { collectPlain, notJson } from "../../core/plain.ts";
import type { Endpoint, Inbound, Mount, Protocol } from "../../core/protocol.ts";
import { tie } from "../../core/rest.ts";
import { run } from "../../core/run.ts";
import type { Door } from "../../core/site.ts";
import { formOf } from "../../dialects/scoring/request.ts";
import { PredictSink, refuse } from "./sink.ts";

/**
 * Predictions of classical models, in the forms of MLflow's model server.
 * @see https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
 */
export const protocol: Protocol = { kind: "predict", mounts };

function mounts(door: Door): readonly Mount[] {
  const at = (path: string, handle: Endpoint["handle"]): Endpoint => ({
    method: "POST",
    path,
    permission: "inference",
    handle,
  });
  // A path of a route's own may look like another's name.
  const own = (path: string) => door.site.paths?.get(path);
  return [
    {
      prefix: "/predict/",
      endpoints: [at("/predict/{name}", (inbound, [name]) => predict(door, inbound, own(inbound.path) ?? name!))],
      finds: (path) => {
        const name = own(path);
        return name === undefined ? undefined : at(path, (inbound) => predict(door, inbound, name));
      },
      claims: ({ path }) => path.startsWith("/predict/") || own(path) !== undefined,
      refuse,
    },
  ];
}

function predict(door: Door, inbound: Inbound, name: string): void {
  const csv = CSV.test(header(inbound.headers, "content-type") ?? "");
  const wrong = csv ? undefined : notJson(inbound);
  if (wrong) {
    refuse(inbound, wrong);
    return;
  }
  collectPlain(inbound, door.site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const body = csv ? Body.ofCsv(bytes) : Body.ofBytes(bytes);
      // The newest: what was served when the head came may be gone by the time that a long body is here.
      const call = new Call(arrive(inbound, "predict", "scoring"), door.site.plan("predictions", name), body, false);
      inbound.call = call;
      tie(inbound, run(call, new PredictSink(inbound), door.clock, csv ? undefined : () => void formOf(body)));
    } catch (thrown) {
      refuse(inbound, asGatewayError(thrown));
    }
  });
}

const CSV = /^\s*text\/csv\s*(?:;|$)/i;
