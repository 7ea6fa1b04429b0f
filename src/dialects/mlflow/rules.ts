import type { Operation } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Issue } from "./issue.ts";
import { checkMessages, exactTools } from "./messages.ts";
import type { Format, Speech } from "./speech.ts";
import { boolOf, type Check, floatOf, intOf, listOf, stringOf, unionOf } from "./values.ts";

/** One member that MLflow's models declare. */
interface Field {
  readonly key: string;
  /** Where it stands, in the words of errors. */
  readonly loc: readonly string[];
  readonly check: Check;
  readonly need: "required" | "optional" | "not null";
}

/** What a request's declared members came to. */
export interface Checked {
  readonly issues: readonly Issue[];
  /** Declared members in MLflow's order, as pydantic reads them; absent ones and nulls are left out. */
  readonly values: ReadonlyMap<string, Json>;
  /** Those of `values` that are not what was sent, such as a number that came as a string. */
  readonly converted: ReadonlySet<string>;
}

/** Holds a body to the models of the caller's era. https://docs.pydantic.dev/2.5/errors/validation_errors/ */
export function check(op: Operation, json: Readonly<JsonObject>, speech: Speech): Checked {
  const issues: Issue[] = [];
  const values = new Map<string, Json>();
  let converted: Set<string> | undefined;
  for (const { key, loc, check: test, need } of fieldsOf(op, speech)) {
    const have = Object.hasOwn(json, key) ? json[key] : undefined;
    if (have === undefined) {
      if (need === "required") issues.push({ type: "missing", loc, msg: "Field required", input: { ...json } });
    } else if (have !== null || need !== "optional") {
      const before = issues.length;
      const value = test(have, loc, issues);
      if (issues.length > before || value === undefined) continue;
      values.set(key, value);
      if (value === have) continue;
      converted ??= new Set();
      converted.add(key);
    }
  }
  return { issues, values, converted: converted ?? UNCONVERTED };
}

const UNCONVERTED: ReadonlySet<string> = new Set();

const STRINGS = listOf("list[str]", stringOf, 0);
const INTS = listOf("list[int]", intOf({}), 0);
const MODERN_INPUT = unionOf([["str", stringOf], STRINGS, INTS, listOf("list[list[int]]", INTS[1], 0)]);
const LEGACY_TEXT = unionOf([["str", stringOf], STRINGS]);
const [, STOP] = listOf("list[str]", stringOf, 1);
const PROMPT = field("prompt", stringOf, "required");

function field(key: string, check: Check, need: Field["need"]): Field {
  return { key, loc: ["body", key], check, need };
}

/** There are a few speeches, and each is one object. */
const known: Record<Operation, WeakMap<Speech, readonly Field[]>> = {
  chat: new WeakMap(),
  completions: new WeakMap(),
  embeddings: new WeakMap(),
  predictions: new WeakMap(),
};

function fieldsOf(op: Operation, speech: Speech): readonly Field[] {
  let fields = known[op].get(speech);
  if (fields === undefined) {
    fields = fieldsFor(op, speech);
    known[op].set(speech, fields);
  }
  return fields;
}

/** In the order in which MLflow's classes declare them, which is the order of its errors and of what it sends on. */
function fieldsFor(op: Operation, speech: Speech): readonly Field[] {
  const { format, fillTemperature, fillCount } = speech;
  const legacy = format === "legacy";
  if (op === "embeddings") {
    return [legacy ? field("text", LEGACY_TEXT, "required") : field("input", MODERN_INPUT, "required")];
  }
  const count = intOf(legacy ? { ge: 1, le: 5 } : { ge: 1 });
  const fields: Field[] = [
    field("temperature", floatOf({ ge: 0, le: legacy ? 1 : 2 }), fillTemperature ? "not null" : "optional"),
    field(legacy ? "candidate_count" : "n", count, fillCount ? "not null" : "optional"),
    field("stop", STOP, "optional"),
    field("max_tokens", intOf({ ge: 1 }), "optional"),
  ];
  if (!legacy) fields.push(field("stream", boolOf, "optional"));
  fields.push(op === "chat" ? field("messages", checkMessages(speech), "required") : PROMPT);
  if (op === "chat" && speech.era === "2.22") fields.push(field("tools", exactTools, "optional"));
  return fields;
}

/** What FastAPI says of a body that is not a JSON object; `undefined`: there was no body. */
export function notAnObject(input: Json | undefined, format: Format): Issue {
  if (input === undefined || (input === null && format === "legacy")) {
    return { type: "missing", loc: ["body"], msg: "Field required", input: null };
  }
  const msg = "Input should be a valid dictionary or object to extract fields from";
  return { type: "model_attributes_type", loc: ["body"], msg, input };
}
