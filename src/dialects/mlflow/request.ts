import { Body } from "../../core/body.ts";
import type { Operation } from "../../core/call.ts";
import { hasNull, type Json, type JsonObject } from "../../core/json.ts";
import { bytesText, type Part } from "../../core/parts.ts";
import { refuseAsEra } from "./era/asks.ts";
import { kindOf } from "./era/kinds.ts";
import { rulesOf } from "./era/rules.ts";
import { invalid, refusal } from "./issue.ts";
import { type Checked, check } from "./rules.ts";
import type { Speech } from "./speech.ts";

/** A request in the common shape. */
export interface Asked {
  readonly body: Body;
  readonly stream: boolean;
}

/** Who is to answer: the first of a route's targets. */
export interface Answering {
  readonly provider: string;
  readonly model: string;
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
export function toCommon(op: Operation, body: Body, speech: Speech, by?: Answering): Asked {
  const brief = body.size > LONG_BYTES ? briefly(body, speech) : talking(op, body, speech, by);
  const checked = brief && check(op, brief, speech);
  // What is wrong is told with all of the body.
  if (brief === undefined || checked!.issues.length > 0)
    return common(op, body, body.json, check(op, body.json, speech), speech, by);
  return common(op, body, brief, checked!, speech, by);
}

/** Above this a body is not parsed when its long members need not be. */
const LONG_BYTES = 8 * 1024;
/** A member above this is long. */
const LONG_MEMBER_BYTES = 1024;

/**
 * A long body with something short and good in place of each long member: short members are held to their rules, long ones to
 * their kind, and what stands deeper in those is the provider's to refuse. `undefined`: the body has to be parsed.
 */
function briefly(body: Body, { format }: Speech): Readonly<JsonObject> | undefined {
  // Those of the old era are written anew.
  if (format === "legacy") return undefined;
  const json: [key: string, value: Json | undefined][] = [];
  for (const key of body.keys()) {
    const bytes = body.slice(key);
    if (bytes === undefined) return undefined;
    if (bytes.length <= LONG_MEMBER_BYTES) json.push([key, body.peek(key)]);
    else if (!DECLARED.has(key)) json.push([key, true]);
    else if (bytes[0] === 0x22 && (key === "prompt" || key === "input")) json.push([key, ""]);
    else if (bytes[0] === 0x5b && key === "messages") json.push([key, ONE_MESSAGE]);
    else return undefined;
  }
  return Object.fromEntries(json);
}

/** A short body of plain messages, where nobody looks at those: an adapter of an era may. */
function talking(op: Operation, body: Body, { era }: Speech, by?: Answering): Readonly<JsonObject> | undefined {
  if (op !== "chat" || (era !== undefined && by !== undefined && rulesOf(by.provider, by.model, op).length > 0)) {
    return undefined;
  }
  return body.brief;
}

const DECLARED = new Set(["temperature", "n", "stop", "max_tokens", "stream", "messages", "prompt", "input"]);
const ONE_MESSAGE: Json = [{ role: "user", content: "" }];

/** @param json The body parsed, or its brief form. */
function common(
  op: Operation,
  body: Body,
  json: Readonly<JsonObject>,
  checked: Checked,
  speech: Speech,
  by: Answering | undefined,
): Asked {
  const { issues, values, converted } = checked;
  if (issues.length > 0) throw invalid(issues, speech.format);
  const stream = values.get("stream") === true;
  const { era } = speech;
  if (era === undefined || by === undefined || kindOf(era, by.provider, by.model) === undefined) refuseModel(json);
  else refuseAsEra({ era, ...by, op, stream }, json);
  refuseCount(op, json, speech);
  const legacy = speech.format === "legacy";
  const fills = fillsOf(op, speech);
  const filled = fills.every(([key]) => values.has(key));
  if (!legacy && filled && converted.size === 0 && !hasNull(json)) return { body, stream };

  const parts: Part[] = [];
  const add = (key: string, value: Json) => {
    const name = (legacy && RENAMED[key]) || key;
    if (legacy && key === "temperature") parts.push([name, bytesText(2 * (value as number))]);
    else parts.push([name, (converted.has(key) ? undefined : body.cut(key)) ?? bytesText(value)]);
  };
  for (const [key, absent] of fills) {
    const value = values.get(key);
    if (value !== undefined) add(key, value);
    else parts.push([(legacy && RENAMED[key]) || key, absent]);
  }
  for (const [key, value] of values) if (!isFilled(fills, key)) add(key, value);
  for (const key of Object.keys(json)) {
    if (values.has(key) || json[key] === null) continue;
    const value = body.cut(key) ?? bytesText(json[key]!);
    // MLflow 2.8 renames first and adds the strangers after: the newer name wins where a caller sent both.
    const taken = legacy ? parts.findIndex(([name]) => name === key) : -1;
    if (taken >= 0) parts[taken] = [key, value];
    else parts.push([key, value]);
  }
  return { body: Body.ofMembers(parts, body.isTalk && !converted.has("messages")), stream };
}

/** Members that an era puts in where they are absent, and what with. */
type Fills = readonly (readonly [key: string, value: string])[];

const NO_FILLS: Fills = [];
/** There are a few speeches, and each is one object. */
const fillsBySpeech = new WeakMap<Speech, Fills>();

function fillsOf(op: Operation, speech: Speech): Fills {
  if (op === "embeddings") return NO_FILLS;
  const known = fillsBySpeech.get(speech);
  if (known !== undefined) return known;
  const count = speech.format === "legacy" ? "candidate_count" : "n";
  const fills: Fills = [
    ...(speech.fillTemperature ? [["temperature", "0.0"] as const] : []),
    ...(speech.fillCount ? [[count, "1"] as const] : []),
  ];
  fillsBySpeech.set(speech, fills);
  return fills;
}

function isFilled(fills: Fills, key: string): boolean {
  for (const [name] of fills) if (name === key) return true;
  return false;
}

function refuseModel({ model }: Readonly<JsonObject>): void {
  if (model === undefined || model === null) return;
  const why = "The route being queried already defines a model instance.";
  throw refusal(`The parameter 'model' is not permitted to be passed. ${why}`);
}

function refuseCount(op: Operation, json: Readonly<JsonObject>, { format }: Speech): void {
  if (format === "modern" || op === "embeddings") return;
  if (json["n"] !== undefined && json["n"] !== null) {
    throw refusal("Invalid parameter `n`. Use `candidate_count` instead.", op === "completions" ? 400 : 422);
  }
}
