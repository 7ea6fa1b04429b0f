import { hasNull, isObject, type Json, type JsonObject, textIn } from "../../core/json.ts";
import type { Issue } from "./issue.ts";
import type { Speech } from "./speech.ts";
import { type Check, listOf, stringOf, unionOf } from "./values.ts";

type Loc = readonly (string | number)[];

/** A chat's messages. Members with null are left out, as MLflow does; unknown members stay. */
export function checkMessages({ format, era }: Speech): Check {
  if (format === "legacy") return LEGACY;
  return era === undefined ? MODERN : EXACT;
}

/** MLflow 2.9 and later name the parts' types here. Parts of another type are passed on: the provider knows its own. */
const PARTS = "list[tagged-union[TextContentPart,ImageContentPart,AudioContentPart]]";
const CONTENT = unionOf([["str", stringOf], listOf(PARTS, partOf, 0)]);

const [, LEGACY] = listOf("messages", (value, loc, issues) => message(value, loc, issues, stringOf, true), 1);
const [, MODERN] = listOf("messages", (value, loc, issues) => message(value, loc, issues, CONTENT, false), 1);

/** MLflow's own clients of 2.x are held to its types of parts. */
const EXACT_CONTENT = unionOf([["str", stringOf], listOf(PARTS, exactPart, 0)]);
const [, EXACT] = listOf("messages", (value, loc, issues) => message(value, loc, issues, EXACT_CONTENT, false), 1);

function exactPart(value: Json, loc: Loc, issues: Issue[]): Json | undefined {
  if (!isObject(value)) return notADict(value, loc, issues);
  const { type: tag } = value;
  if (tag === undefined || TAGS.includes(tag as string)) return value;
  const expected_tags = TAGS.map((one) => `'${one}'`).join(", ");
  const msg = `Input tag '${textIn(tag)}' found using 'type' does not match any of the expected tags: ${expected_tags}`;
  issues.push({
    type: "union_tag_invalid",
    loc,
    msg,
    input: value,
    ctx: { discriminator: "'type'", tag, expected_tags },
  });
  return undefined;
}

const TAGS = ["text", "image_url", "input_audio"];

/** Its types of tools, likewise. */
export const exactTools: Check = (value, loc, issues) => {
  for (const [at, tool] of (Array.isArray(value) ? value : []).entries()) {
    const type = isObject(tool) ? tool["type"] : "function";
    if (type === undefined || type === "function" || type === "uc_function") continue;
    const expected = "'function' or 'uc_function'";
    const msg = `Input should be ${expected}`;
    issues.push({ type: "literal_error", loc: [...loc, at, "type"], msg, input: type, ctx: { expected } });
  }
  return value;
};

function message(value: Json, loc: Loc, issues: Issue[], content: Check, needsContent: boolean): Json | undefined {
  if (!isObject(value)) return notADict(value, loc, issues);
  const before = issues.length;
  if (value["role"] === undefined) issues.push(missing(value, [...loc, "role"]));
  else stringOf(value["role"], [...loc, "role"], issues);
  const said = value["content"];
  if (said === undefined) {
    if (needsContent) issues.push(missing(value, [...loc, "content"]));
  } else if (said !== null || needsContent) content(said, [...loc, "content"], issues);
  if (issues.length > before) return undefined;
  if (!hasNull(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

function partOf(value: Json, loc: Loc, issues: Issue[]): Json | undefined {
  return isObject(value) ? value : notADict(value, loc, issues);
}

function notADict(input: Json, loc: Loc, issues: Issue[]): undefined {
  const msg = "Input should be a valid dictionary or object to extract fields from";
  issues.push({ type: "model_attributes_type", loc, msg, input });
  return undefined;
}

function missing(input: JsonObject, loc: Loc): Issue {
  return { type: "missing", loc, msg: "Field required", input };
}
