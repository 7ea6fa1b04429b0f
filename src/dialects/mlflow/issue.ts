import { clip, GatewayError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Format } from "./speech.ts";

/** One broken rule, with pydantic's names and words: MLflow's callers match on them. */
export interface Issue {
  readonly type: string;
  /** From `body` down to the member: keys and list places. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  /** The value at fault, as sent. */
  readonly input: Json;
  readonly ctx?: JsonObject;
}

/** A refusal with what MLflow puts under `detail`: a sentence, or its list of broken rules. */
export class MlflowRefusal extends GatewayError {
  readonly detail: Json;

  constructor(message: string, detail: Json, http = 422, reason: "FIELD_INVALID" | "BODY_MALFORMED" = "FIELD_INVALID") {
    super(message, { reason, http });
    this.detail = detail;
  }
}

/** A refusal that is one sentence. */
export function refusal(sentence: string, http = 422): MlflowRefusal {
  return new MlflowRefusal(sentence, sentence, http);
}

/**
 * A refusal that lists every broken rule. MLflow 2.8 ran on a pydantic that adds a link to each.
 *
 * @param issues At least one, in MLflow's order: by field, as its models declare them.
 */
export function invalid(issues: readonly Issue[], format: Format): MlflowRefusal {
  const detail = issues.map(({ type, loc, msg, input, ctx }): JsonObject => {
    const one: JsonObject = { type, loc: [...loc], msg, input };
    if (ctx !== undefined) one["ctx"] = ctx;
    if (format === "legacy" && type !== "json_invalid") one["url"] = `https://errors.pydantic.dev/2.5/v/${type}`;
    return one;
  });
  const message = issues.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; ");
  return new MlflowRefusal(clip(message, 500), detail);
}
