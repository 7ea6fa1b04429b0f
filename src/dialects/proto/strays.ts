import { type DescField, type DescMessage, isMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import type { Violation } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { type Codec, codec } from "./codec.ts";
import type { Fields } from "./fields.ts";
import { enumTexts } from "./scalars.ts";
import { knownOf } from "./straight/into.ts";

/**
 * What of a request no rule of its proto can see: members in `extra` that have a field of their own, where no rule would hold
 * them and a field that is set would hide them; and whole numbers that JSON would round. A value that its field cannot hold -
 * an enum's that is newer than ours, or what a provider's own message had there - may stand in `extra`.
 */
export function straysIn(desc: DescMessage, message: Message): Violation[] {
  const found: Violation[] = [];
  if (reaches(desc)) walk(desc, message as unknown as Fields, "", found);
  return found;
}

const judged = new Map<DescMessage, boolean>();

/** Whether a message or one within it has `extra`. */
function reaches(desc: DescMessage): boolean {
  const known = judged.get(desc);
  if (known !== undefined) return known;
  judged.set(desc, false);
  const found = desc.fields.some(({ name, message }) => name === "extra" || (message && reaches(message)));
  judged.set(desc, found);
  return found;
}

function walk(desc: DescMessage, message: Fields, path: string, found: Violation[]): void {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`);
  for (const field of desc.fields) {
    if (field.name === "extra") continue;
    const value = valueIn(field, message);
    const to = at(field.name);
    if (typeof value === "bigint" && field.scalar === ScalarType.INT64) checkExact(value, to, found);
    else if (isMessage(value)) walk(field.message!, value as unknown as Fields, to, found);
    else if (Array.isArray(value) && field.message) {
      value.forEach((item: unknown, index) => {
        if (isMessage(item)) walk(field.message!, item as unknown as Fields, `${to}[${index}]`, found);
      });
    }
  }
  const extra = message["extra"] as JsonObject | undefined;
  if (extra !== undefined) checkExtra(desc, message, extra, at("extra"), found);
}

function valueIn(field: DescField, message: Fields): unknown {
  if (!field.oneof) return message[field.localName];
  const set = message[field.oneof.localName] as { case: string | undefined; value?: unknown };
  return set.case === field.localName ? set.value : undefined;
}

function checkExact(value: bigint, field: string, found: Violation[]): void {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER)) return;
  const description = "must be between -9007199254740991 and 9007199254740991: JSON would round it";
  found.push({ field, description });
}

const codecs = new Map<DescMessage, Codec<Message>>();

function codecOf(desc: DescMessage): Codec<Message> {
  const before = codecs.get(desc);
  if (before) return before;
  const made = codec(desc);
  codecs.set(desc, made);
  return made;
}

function checkExtra(desc: DescMessage, message: Fields, extra: JsonObject, path: string, found: Violation[]): void {
  const known = knownOf(desc);
  const root = desc.name.endsWith("Request");
  const keys = Object.keys(extra).filter((key) => known.has(key) && !BELONGS.includes(key));
  if (keys.length === 0) return;
  const mapped = codecOf(desc);
  const left = ((mapped.fromCommon(extra) as unknown as Fields)["extra"] ?? {}) as JsonObject;
  const set = mapped.toCommon({ ...message, extra: undefined } as unknown as Message);
  for (const key of keys) {
    const fits = !Object.hasOwn(left, key);
    const hides = Object.hasOwn(set, key) && Boolean(set[key]);
    if (!fits && !hides && (!root || isNewer(desc, key, extra[key]!))) continue;
    found.push({ field: `${path}.${key}`, description: `has a field of its own; set ${key} in place of it` });
  }
}

/** The gateway's own: ignored, and told so. */
const BELONGS = ["stream", "served"];

/** Whether a value is one that an enum does not know yet. */
function isNewer(desc: DescMessage, name: string, value: Json): boolean {
  if (typeof value !== "string") return false;
  const fields = desc.fields.filter((one) => one.name === name || one.oneof?.name === name);
  return fields.some((one) => one.enum && ![...enumTexts(one.enum).values()].includes(value));
}

/** Members of a request's `extra` that are the gateway's to say, and are ignored there. */
export function ignoredIn(message: Message): readonly string[] {
  const { extra } = message as unknown as Fields;
  return extra === undefined ? [] : BELONGS.filter((name) => Object.hasOwn(extra as object, name));
}
