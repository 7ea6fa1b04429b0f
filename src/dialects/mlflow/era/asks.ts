import type { MlflowEra, Operation } from "../../../core/call.ts";
import type { JsonObject } from "../../../core/json.ts";
import { refusal } from "../issue.ts";
import { kindOf } from "./kinds.ts";
import { rulesOf } from "./rules.ts";

/** What is asked of a route of MLflow's own client, by its first target. */
export interface Question {
  readonly era: MlflowEra;
  readonly provider: string;
  readonly model: string;
  readonly op: Operation;
  readonly stream: boolean;
}

/**
 * Refuses what MLflow's adapter of the caller's era refused, in its words: an operation or a stream that it did not have, and
 * requests against its rules. Others are let through.
 */
export function refuseAsEra({ era, provider, model, op, stream }: Question, json: Readonly<JsonObject>): void {
  const kind = kindOf(era, provider, model);
  if (kind === undefined) return;
  const { name, does, lacks, streams = [] } = kind;
  if (stream && !streams.includes(op)) {
    throw refusal(`The ${op} streaming route is not implemented for ${name} models.`, 501);
  }
  if (does[op] === undefined) {
    if (lacks) throw refusal(`The ${op} route is not available ${lacks[1]}`, lacks[0]);
    throw refusal(`The ${op} route is not implemented for ${name} models.`, 501);
  }
  const rules = rulesOf(provider, model, op);
  const broken = rules.map((rule) => rule(json, era === "2.8")).find((one) => one !== undefined);
  if (kind.model === "after" && broken) throw refusal(broken[1], broken[0]);
  if (kind.model !== "passed on" && kind.model !== "left out" && (json["model"] ?? null) !== null) {
    const why = "The route being queried already defines a model instance.";
    throw refusal(`The parameter 'model' is not permitted to be passed. ${why}`);
  }
  if (broken) throw refusal(broken[1], broken[0]);
}
