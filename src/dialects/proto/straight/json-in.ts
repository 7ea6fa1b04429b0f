import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { bareField } from "../fields.ts";
import { carries, MISFIT, SCALARS, setOwn } from "../scalars.ts";
import { knownOf, putterOf } from "./into.ts";
import { enumValues, formOf, partsOf, zeroOf } from "./layout.ts";
import { UNSURE } from "./wire.ts";

/** A message's own JSON in the common shape. Throws `UNSURE`. */
export type JsonIn = (json: JsonObject) => JsonObject;
type Value = (json: Json) => Json;
type Take = (json: Json, into: JsonObject) => void;

/** Digits that are a number of their own, and exact. */
const EXACT = /^-?(?:0|[1-9]\d{0,14})$/;

/** Compiles the reading of a message. Members that no field has are left out, as Connect does. */
export function jsonIn(desc: DescMessage, made = new Map<DescMessage, JsonIn>()): JsonIn {
  const before = made.get(desc);
  if (before) return before;
  const takes = new Map<string, Take>();
  const zeroes: (readonly [name: string, zero: Json])[] = [];
  const read: JsonIn = (json) => {
    const into: JsonObject = {};
    for (const key in json) {
      const value = json[key]!;
      if (value !== null) takes.get(key)?.(value, into);
    }
    for (const [name, zero] of zeroes) if (into[name] === undefined) into[name] = zero;
    return into;
  };
  made.set(desc, read);
  const known = knownOf(desc);
  const add = ({ name, jsonName }: DescField, take: Take) => {
    takes.set(name, take);
    takes.set(jsonName, take);
  };
  for (const field of desc.fields) if (field.name === "extra") add(field, extraIn(known));
  for (const part of partsOf(desc)) {
    for (const field of part.kind === "field" ? [part.field] : part.fields) {
      const value = fieldIn(field, made);
      const put = putterOf(part, field);
      const { name } = part;
      add(field, (json, into) => {
        // The same field under both of its names.
        if (into[name] !== undefined) throw UNSURE;
        const one = value(json);
        if (!isEmpty(field, one)) put(into, one);
      });
      const zero = zeroOf(field);
      if (zero !== undefined) zeroes.push([field.name, zero]);
    }
  }
  return read;
}

/** An empty list or map is not there. */
function isEmpty({ fieldKind }: DescField, value: Json): boolean {
  if (fieldKind === "list") return (value as Json[]).length === 0;
  if (fieldKind !== "map") return false;
  for (const _ in value as JsonObject) return false;
  return true;
}

function fieldIn(field: DescField, made: Map<DescMessage, JsonIn>): Value {
  const value = valueIn(field, made);
  if (field.fieldKind === "list") {
    return (json) => {
      if (!Array.isArray(json)) throw UNSURE;
      return json.map(value);
    };
  }
  if (field.fieldKind !== "map") return value;
  return (json) => {
    if (!isObject(json)) throw UNSURE;
    const map: JsonObject = {};
    for (const key of Object.keys(json)) setOwn(map, key, value(json[key]!));
    return map;
  };
}

function valueIn(field: DescField, made: Map<DescMessage, JsonIn>): Value {
  const form = formOf(field);
  switch (form) {
    case "struct":
      return (json) => {
        if (!isObject(json) || !carries(json)) throw UNSURE;
        return json;
      };
    case "message":
    case "bare": {
      const inner = jsonIn(field.message!, made);
      const only = form === "bare" ? bareField(field.message!)! : undefined;
      return (json) => {
        if (!isObject(json)) throw UNSURE;
        const one = inner(json);
        if (only === undefined) return one;
        return one[only.name] ?? (only.fieldKind === "list" ? [] : {});
      };
    }
    case "enum": {
      const texts = new Map<Json, string>(enumValues(field).map(({ name, text }) => [name, text]));
      return (json) => texts.get(json) ?? unsure();
    }
    case ScalarType.INT64:
      return (json) => {
        if (typeof json === "string" && EXACT.test(json)) return Number(json);
        return Number.isSafeInteger(json) ? json : unsure();
      };
    default: {
      const fits = SCALARS[form]?.read;
      if (fits === undefined) throw new TypeError(`${field.toString()} has a type that has no place in JSON here.`);
      return (json) => (fits(json) === MISFIT ? unsure() : json);
    }
  }
}

/** Members that have fields of their own are another's business: there are rules for them. */
function extraIn(known: ReadonlySet<string>): Take {
  return (json, into) => {
    if (!isObject(json) || !carries(json)) throw UNSURE;
    for (const key of Object.keys(json)) {
      if (known.has(key) || Object.hasOwn(into, key)) throw UNSURE;
      setOwn(into, key, json[key]!);
    }
  };
}

function unsure(): never {
  throw UNSURE;
}
