import { Body } from "../../core/body.ts";
import type { Operation } from "../../core/call.ts";
import type { Json } from "../../core/json.ts";
import { invalid, refusal } from "./issue.ts";
import { check } from "./rules.ts";
import type { Speech } from "./speech.ts";

/** A request in the common shape. */
export interface Asked {
  readonly body: Body;
  readonly stream: boolean;
}

/** Old names of what the common shape has too. */
const RENAMED: Readonly<Record<string, string>> = { candidate_count: "n", text: "input" };

/**
 * An MLflow request in the common shape: declared members first and in MLflow's order, then the others as they came.
 * What needs no change keeps the caller's bytes, nested tool schemas and long numbers included; nulls are left out, as
 * MLflow does. A legacy temperature, 0-1, is doubled: 0-2 is the common range, and every provider's own scale begins there.
 *
 * Throws a refusal with MLflow's own words.
 */
export function toCommon(op: Operation, body: Body, speech: Speech): Asked {
  const { json } = body;
  const { issues, values, converted } = check(op, json, speech);
  if (issues.length > 0) throw invalid(issues, speech.format);
  refuseMembers(op, json, speech);
  const stream = values.get("stream") === true;
  const legacy = speech.format === "legacy";
  const fill = fillsOf(op, speech);
  const nulls = Object.values(json).some((one) => one === null);
  if (!legacy && !nulls && converted.size === 0 && fill.every(([key]) => values.has(key))) return { body, stream };

  const parts: [key: string, value: Buffer | string][] = [];
  const add = (key: string) => {
    const value = values.get(key)!;
    const name = (legacy && RENAMED[key]) || key;
    if (legacy && key === "temperature") parts.push([name, JSON.stringify(2 * (value as number))]);
    else parts.push([name, (converted.has(key) ? undefined : body.slice(key)) ?? JSON.stringify(value)]);
  };
  for (const [key, value] of fill) {
    if (values.has(key)) add(key);
    else parts.push([(legacy && RENAMED[key]) || key, value]);
  }
  const filled = new Set(fill.map(([key]) => key));
  for (const key of values.keys()) if (!filled.has(key)) add(key);
  const taken = new Set(parts.map(([key]) => key));
  for (const key of Object.keys(json)) {
    if (values.has(key) || json[key] === null) continue;
    const value = body.slice(key) ?? JSON.stringify(json[key]);
    // MLflow 2.8 renames first and adds the strangers after: the newer name wins where a caller sent both.
    if (taken.has(key))
      parts.splice(
        parts.findIndex(([name]) => name === key),
        1,
        [key, value],
      );
    else parts.push([key, value]);
  }
  return { body: Body.ofBytes(joined(parts)), stream };
}

/** Members that the caller's era puts in where they are absent. */
function fillsOf(op: Operation, speech: Speech): readonly (readonly [key: string, value: string])[] {
  if (op === "embeddings") return [];
  const count = speech.format === "legacy" ? "candidate_count" : "n";
  return [
    ...(speech.fillTemperature ? [["temperature", "0.0"] as const] : []),
    ...(speech.fillCount ? [[count, "1"] as const] : []),
  ];
}

function refuseMembers(op: Operation, json: Readonly<Record<string, Json | undefined>>, { format }: Speech): void {
  if (json["model"] !== undefined && json["model"] !== null) {
    const why = "The route being queried already defines a model instance.";
    throw refusal(`The parameter 'model' is not permitted to be passed. ${why}`);
  }
  if (format === "modern" || op === "embeddings") return;
  if (json["n"] !== undefined && json["n"] !== null) {
    throw refusal("Invalid parameter `n`. Use `candidate_count` instead.", op === "completions" ? 400 : 422);
  }
}

const COLON = Buffer.from(":");
const COMMA = Buffer.from(",");

function joined(parts: readonly (readonly [key: string, value: Buffer | string])[]): Buffer {
  const out: Buffer[] = [];
  for (const [key, value] of parts) {
    out.push(out.length === 0 ? Buffer.from("{") : COMMA, Buffer.from(JSON.stringify(key)), COLON);
    out.push(typeof value === "string" ? Buffer.from(value) : value);
  }
  out.push(Buffer.from(out.length === 0 ? "{}" : "}"));
  return Buffer.concat(out);
}
