import type { Body } from "../../core/body.ts";
import { errors } from "../../core/errors.ts";
import type { Outgoing } from "../../core/provider.ts";

/** What the input of a model may be called; a request has exactly one of them. `params` may stand beside it. */
export const FORMS = ["inputs", "instances", "dataframe_split", "dataframe_records"] as const;
export type Form = (typeof FORMS)[number];

/**
 * The form of a request in JSON. Throws FIELD_INVALID when it has none or several, or `params` is not an object; BODY_MALFORMED
 * when it is not one JSON object.
 *
 * @see https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/#accepted-input-formats
 */
export function formOf(body: Body): Form {
  const keys = body.keys();
  const [form, other] = FORMS.filter((one) => keys.includes(one));
  if (form === undefined) {
    const description = `missing; the input of a model stands in exactly one of ${FORMS.join(", ")}`;
    throw errors.fieldInvalid([{ field: "inputs", description }]);
  }
  if (other !== undefined) {
    const description = `stands beside ${form}; the input of a model stands in exactly one of ${FORMS.join(", ")}`;
    throw errors.fieldInvalid([{ field: other, description }]);
  }
  const params = body.slice("params") ?? Buffer.from(JSON.stringify(body.peek("params") ?? null));
  if (params[0] !== OPEN && !params.equals(NULL)) {
    throw errors.fieldInvalid([{ field: "params", description: "must be an object" }]);
  }
  return form;
}

const OPEN = 0x7b;
const NULL = Buffer.from("null");

/** The request to a model server, as the caller sent it. @param headers Beside those that say what the body is. */
export function scoringRequest(path: string, body: Body, headers: readonly string[] = []): Outgoing {
  return { path, headers: [...(body.csv ? CSV : JSON_TYPE), ...headers], body: body.bytes };
}

const CSV = ["content-type", "text/csv", "accept-encoding", "identity"];
const JSON_TYPE = ["content-type", "application/json", "accept-encoding", "identity"];
