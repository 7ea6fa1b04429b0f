import type { GatewayError } from "../../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";

/** A status and what stands under `detail`. */
export interface EraFault {
  readonly http: number;
  readonly detail: Json;
}

/**
 * A provider's failure as MLflow of 2.x told it to its own clients: the provider's status, also 401 and 403, and its own words
 * or its whole JSON. An answer of another type than JSON or plain text is a 502 that names the type.
 *
 * @returns `undefined`: the failure is no answer of a provider's, or one on which MLflow breaks down itself.
 */
export function eraFault({ fault }: GatewayError): EraFault | undefined {
  const { said, upstreamStatus } = fault;
  if (said === undefined) return undefined;
  const type = said.type?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json" && type !== "text/plain") {
    const words = "The returned data type from the route service is not supported. Received content type:";
    return { http: 502, detail: `${words} ${said.type ?? "None"}` };
  }
  if (upstreamStatus === undefined || upstreamStatus < 400) return undefined;
  if (type === "text/plain") return { http: upstreamStatus, detail: { message: said.text } };
  const json = parsed(said.text);
  if (json === undefined) return undefined;
  const { error } = json;
  if (error === undefined) return { http: upstreamStatus, detail: json };
  if (!isObject(error)) return undefined;
  return { http: upstreamStatus, detail: error["message"] ?? json };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
