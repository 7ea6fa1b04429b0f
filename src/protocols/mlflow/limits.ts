import { header } from "../../core/arrival.ts";
import { asGatewayError, GatewayError } from "../../core/errors.ts";
import { collectPlain } from "../../core/plain.ts";
import type { Endpoint, Inbound } from "../../core/protocol.ts";
import type { Door } from "../../core/site.ts";
import { readBody } from "../../dialects/mlflow/body.ts";
import { invalid } from "../../dialects/mlflow/issue.ts";
import { speechOf } from "../../dialects/mlflow/speech.ts";
import { putLimits } from "./manage.ts";
import { refuse } from "./sink.ts";

/** MLflow has the paths and not the thing; so it is here, until the config names a store. */
export const getLimits: Endpoint["handle"] = (inbound) => refuse(inbound, missing(inbound, "get_limits"));

/** Sets them where the config names a store; else refused as `getLimits` is. The body is held to MLflow's rules first. */
export function setLimits(door: Door, inbound: Inbound): void {
  collectPlain(inbound, door.site.maxRequestBytes, (error, bytes) => {
    try {
      if (error) throw error;
      const { body, speech } = readBody("chat", inbound.headers, bytes);
      const { json } = body;
      const absent = ["route", "limits"].filter((key) => json[key] === undefined);
      if (absent.length === 0 && door.keeps) {
        putLimits(door, inbound, json);
        return;
      }
      if (absent.length === 0) throw missing(inbound, "set_limits");
      const issue = { type: "missing", msg: "Field required", input: { ...json } };
      throw invalid(
        absent.map((key) => ({ ...issue, loc: ["body", key] })),
        speech.format,
      );
    } catch (thrown) {
      refuse(inbound, asGatewayError(thrown));
    }
  });
}

function missing(inbound: Inbound, what: string): GatewayError {
  const { format } = speechOf(header(inbound.headers, "user-agent"), undefined, []);
  const tail = format === "legacy" ? "is not available in OSS MLflow AI Gateway." : "is not available yet.";
  return new GatewayError(`The ${what} API ${tail}`, { reason: "OPERATION_UNSUPPORTED" });
}
