import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { bareField } from "../fields.ts";
import { carries, MISFIT, SCALARS } from "../scalars.ts";
import { enumValues, extraOf, formOf, partsOf, zeroOf } from "./layout.ts";
import { caseOf, itemsOf, lookOf, memberOf, type Plain } from "./out.ts";
import { UNSURE } from "./wire.ts";

/** An object of the common shape as the message's own JSON. Throws `UNSURE`. */
export type JsonOut = (json: JsonObject) => JsonObject;
/** `undefined`: left out. */
type Value = (json: Json) => Json | undefined;
type Give = (json: JsonObject, plain: Plain, out: JsonObject) => void;

/** Compiles the writing of a message. `root`: see `lookOf`. */
export function jsonOut(desc: DescMessage, root = false, made = new Map<DescMessage, JsonOut>()): JsonOut {
  const before = made.get(desc);
  if (before) return before;
  const gives: Give[] = [];
  const look = lookOf(desc, root);
  const extra = extraOf(desc)?.jsonName;
  const write: JsonOut = (json) => {
    const plain = look(json);
    const out: JsonObject = {};
    for (let i = 0; i < gives.length; i++) gives[i]!(json, plain, out);
    if (plain.extra !== undefined && extra !== undefined) out[extra] = plain.extra;
    return out;
  };
  if (!root) made.set(desc, write);
  for (const part of partsOf(desc)) {
    if (part.kind === "field") {
      const to = { key: part.field.jsonName, value: fieldOut(part.field, made) };
      gives.push(memberOut(part.name, () => to));
    } else {
      const cases = part.fields.map((field) => ({
        field,
        case: { key: field.jsonName, value: fieldOut(field, made) },
      }));
      if (part.kind === "union") gives.push(memberOut(part.name, caseOf(cases)));
      else gives.push(taggedOut(new Map(cases.map((one) => [one.field.name, one.case]))));
    }
  }
  return write;
}

interface To {
  readonly key: string;
  readonly value: Value;
}

function memberOut(name: string, to: (json: Json) => To): Give {
  const member = memberOf(name);
  return (json, _, out) => {
    const one = member(json);
    if (one === undefined || one === null) return;
    const { key, value } = to(one);
    const given = value(one);
    if (given !== undefined) out[key] = given;
  };
}

function taggedOut(cases: ReadonlyMap<string, To>): Give {
  return (json, { tag }, out) => {
    if (tag === undefined) return;
    const { key, value } = cases.get(tag)!;
    out[key] = value(json[tag]!)!;
  };
}

function fieldOut(field: DescField, made: Map<DescMessage, JsonOut>): Value {
  const value = valueOut(field, made);
  if (field.fieldKind === "list") {
    return (json) => {
      const list = itemsOf(field, json);
      return list.length === 0 ? undefined : list.map((item) => value(item)!);
    };
  }
  if (field.fieldKind === "map") {
    return (json) => {
      if (!isObject(json)) throw UNSURE;
      let empty = true;
      for (const key in json) {
        value(json[key]!);
        empty = false;
      }
      return empty ? undefined : json;
    };
  }
  const zero = zeroOf(field);
  return (json) => (json === zero ? undefined : value(json));
}

function valueOut(field: DescField, made: Map<DescMessage, JsonOut>): Value {
  const form = formOf(field);
  const listed = field.fieldKind === "list";
  switch (form) {
    case "struct":
      return (json) => (isObject(json) && carries(json) ? json : unsure());
    case "message": {
      const inner = jsonOut(field.message!, false, made);
      return (json) => (isObject(json) ? inner(json) : unsure());
    }
    case "bare": {
      const only = bareField(field.message!)!;
      const inner = fieldOut(only, made);
      return (json) => {
        if (json === null ? !listed : typeof json !== "object") throw UNSURE;
        const value = json === null ? undefined : inner(json);
        return value === undefined ? {} : { [only.jsonName]: value };
      };
    }
    case "enum": {
      const names = new Map<Json, string>(enumValues(field).map(({ name, text }) => [text, name]));
      return (json) => names.get(json) ?? unsure();
    }
    case ScalarType.INT64:
      return (json) => (typeof json === "number" && Number.isSafeInteger(json) ? String(json) : unsure());
    default: {
      const fits = SCALARS[form]?.read;
      if (fits === undefined) throw new TypeError(`${field.toString()} has a type that has no place in JSON here.`);
      // Within a list of doubles null is "not a number".
      const none = listed && form === ScalarType.DOUBLE ? "NaN" : undefined;
      return (json) => {
        if (json === null && none !== undefined) return none;
        return fits(json) === MISFIT ? unsure() : json;
      };
    }
  }
}

function unsure(): never {
  throw UNSURE;
}
