import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../../core/json.ts";
import { type Facts, openai } from "../facts.ts";
import { carries, MISFIT, readFloats, setOwn } from "../scalars.ts";
import { extraOf, formOf, partsOf } from "./layout.ts";
import { UNSURE } from "./wire.ts";

/** What is told of an object before it is written. */
export interface Plain {
  /** The case of its tagged union. */
  readonly tag: string | undefined;
  /** Members that have no field, for `extra`. */
  readonly extra: JsonObject | undefined;
}

/** Looks through an object's members. Throws `UNSURE` where a member is neither plainly a field's nor plainly unknown. */
export type Look = (json: JsonObject) => Plain;

const NOTHING: Plain = { tag: undefined, extra: undefined };

/** @param root Whether the gateway's own members are to be dropped, as at the root of a message. */
export function lookOf(desc: DescMessage, root: boolean, facts: Facts = openai): Look {
  const parts = partsOf(desc);
  const hasExtra = extraOf(desc) !== undefined;
  const constant = facts.objects[desc.typeName] !== undefined;
  const kinds = new Map<string, "field" | "alias" | "own" | "object">();
  for (const { kind, name } of parts) if (kind !== "tagged") kinds.set(name, "field");
  for (const [alias, name] of Object.entries(facts.aliases)) {
    if (kinds.get(name) === "field" && !kinds.has(alias)) kinds.set(alias, "alias");
  }
  if (root) for (const name of facts.own) kinds.set(name, "own");
  if (constant) kinds.set("object", "object");
  const tagged = parts.find(({ kind }) => kind === "tagged");
  const tags = new Set(tagged?.kind === "tagged" ? tagged.fields.map(({ name }) => name) : []);
  return (json) => {
    const tag = tagged && tagOf(json, tags);
    let extra: JsonObject | undefined;
    for (const key in json) {
      const kind = kinds.get(key);
      if (kind === "field" || kind === "own") continue;
      const value = json[key];
      if (value === undefined || key === tag || (tag !== undefined && key === "type")) continue;
      if (kind === "alias") {
        const given = json[facts.aliases[key]!];
        if (value !== null && given !== undefined && given !== null && given !== value) throw UNSURE;
      } else if (kind === "object") {
        if (typeof value !== "string") throw UNSURE;
      } else if (hasExtra && carries(value)) {
        extra ??= {};
        setOwn(extra, key, value);
      }
    }
    return tag === undefined && extra === undefined ? NOTHING : { tag, extra };
  };
}

function tagOf(json: JsonObject, tags: ReadonlySet<string>): string | undefined {
  const type = json["type"] ?? undefined;
  if (type === undefined) {
    for (const tag of tags) if (json[tag] !== undefined && json[tag] !== null) return tag;
    return undefined;
  }
  if (typeof type !== "string" || !tags.has(type) || json[type] === undefined || json[type] === null) throw UNSURE;
  return type;
}

/** The value of a field's member, or of its other name. */
export function memberOf(name: string, facts: Facts = openai): (json: JsonObject) => Json | undefined {
  const alias = Object.keys(facts.aliases).find((one) => facts.aliases[one] === name);
  if (alias === undefined) return (json) => json[name];
  return (json) => json[name] ?? json[alias];
}

/** The case of a union that a value is of. Throws `UNSURE` when that takes more than a look at its type. */
export function caseOf<Case>(cases: readonly { readonly field: DescField; readonly case: Case }[]) {
  const text = cases.find(({ field }) => typeof formOf(field) === "number");
  const list = cases.filter(({ field }) => formOf(field) === "bare");
  return (value: Json): Case => {
    if (typeof value === "string" && text) return text.case;
    if (Array.isArray(value) && list.length === 1) return list[0]!.case;
    throw UNSURE;
  };
}

/** The items of a field's list; for some, OpenAI takes something else than a list. */
export function itemsOf({ scalar }: DescField, json: Json): readonly Json[] {
  if (Array.isArray(json)) return json;
  if (typeof json === "string" && scalar === ScalarType.STRING) return [json];
  const floats = typeof json === "string" && scalar === ScalarType.FLOAT ? readFloats(json) : MISFIT;
  if (floats === MISFIT) throw UNSURE;
  return floats;
}
