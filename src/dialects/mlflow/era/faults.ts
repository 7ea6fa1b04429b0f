import type { MlflowEra, Operation } from "../../../core/call.ts";
import type { GatewayError } from "../../../core/errors.ts";
import { isObject, type Json, parsedObject } from "../../../core/json.ts";
import { unreadableServed } from "./served.ts";

/** A status and what stands under `detail`; without it, MLflow broke down and said so in plain text. */
export interface EraFault {
  readonly http: number;
  readonly detail?: Json;
}

/** Who was asked, and by whom. */
export interface Failed {
  readonly era: MlflowEra;
  /** Absent: nobody was. */
  readonly provider?: string | undefined;
  readonly op?: Operation;
}

/** What MLflow's server says when its own code fails. */
export const CRASH: EraFault = { http: 500 };

/**
 * A provider's failure as MLflow of 2.x told it to its own clients: the provider's status, also 401 and 403, and its own words
 * or its whole JSON. An answer of another type than JSON or plain text is a 502 that names the type; JSON that is broken, and an
 * error that is a mere text, break MLflow's own code.
 *
 * @returns `undefined`: MLflow told nothing of the kind, or ours is the better word.
 */
export function eraFault({ fault }: GatewayError, { era, provider, op }: Failed): EraFault | undefined {
  const { said, upstreamStatus = 200 } = fault;
  if (said === undefined) return undefined;
  const type = said.type?.split(";")[0]?.trim().toLowerCase();
  // AWS's own library asks there, and MLflow does not catch what it throws.
  if (provider === "bedrock" && upstreamStatus === 401) return CRASH;
  if (type !== "application/json" && type !== "text/plain") {
    const words = "The returned data type from the route service is not supported. Received content type:";
    return { http: 502, detail: `${words} ${said.type ?? "None"}` };
  }
  if (type === "text/plain") return { http: upstreamStatus, detail: { message: said.text } };
  const json = parsedObject(said.text);
  if (json === undefined) return fault.reason === "UPSTREAM_FAILED" ? CRASH : undefined;
  if (upstreamStatus < 400) {
    const words = provider === SERVED ? unreadableServed(era, op === "embeddings", json) : undefined;
    return words === undefined ? undefined : { http: 502, detail: words };
  }
  const { error } = json;
  if (error === undefined) return { http: upstreamStatus, detail: json };
  return isObject(error) ? { http: upstreamStatus, detail: error["message"] ?? json } : CRASH;
}

const SERVED = "mlflow-model-serving";
