import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { bareField } from "../fields.ts";
import { setOwn } from "../scalars.ts";
import { knownOf, putterOf } from "./into.ts";
import { enumValues, formOf, partsOf, zeroOf } from "./layout.ts";
import { FIXED32, FIXED64, type Reader, SIZED, UNSURE, VARINT } from "./wire.ts";

/** A message that ends at `end`, in the common shape. Throws `UNSURE`. */
export type In = (reader: Reader, end: number, depth: number) => JsonObject;
/** One value, after its tag. */
type Value = (reader: Reader, wire: number, end: number, depth: number) => Json;
/** One field, after its tag, into the object that it is of. */
type Take = (reader: Reader, wire: number, end: number, depth: number, into: JsonObject) => void;

/** Messages within messages; a `Struct` takes three for each of its levels. */
const MAX_DEPTH = 60;

/** Compiles the reading of a message. */
export function binaryIn(desc: DescMessage, made = new Map<DescMessage, In>()): In {
  const before = made.get(desc);
  if (before) return before;
  const takes: (Take | undefined)[] = [];
  const zeroes: (readonly [name: string, zero: Json])[] = [];
  // Known before its fields are, so that a type may hold itself.
  const read: In = (reader, end, depth) => {
    if (depth === MAX_DEPTH) throw UNSURE;
    const json: JsonObject = {};
    while (reader.at < end) {
      const tag = reader.varint();
      const take = takes[Math.floor(tag / 8)];
      if (take === undefined) throw UNSURE;
      take(reader, tag % 8, end, depth + 1, json);
    }
    if (reader.at !== end) throw UNSURE;
    for (const [name, zero] of zeroes) if (json[name] === undefined) json[name] = zero;
    return json;
  };
  made.set(desc, read);
  const known = knownOf(desc);
  for (const field of desc.fields) {
    if (field.name === "extra") takes[field.number] = extraIn(known);
  }
  for (const part of partsOf(desc)) {
    for (const field of part.kind === "field" ? [part.field] : part.fields) {
      takes[field.number] = fieldIn(field, putterOf(part, field), made);
      const zero = zeroOf(field);
      if (zero !== undefined) zeroes.push([field.name, zero]);
    }
  }
  return read;
}

function fieldIn(field: DescField, put: ReturnType<typeof putterOf>, made: Map<DescMessage, In>): Take {
  if (field.fieldKind === "map") return mapIn(field, made);
  const value = valueIn(field, made);
  if (field.fieldKind !== "list") {
    return (reader, wire, end, depth, into) => put(into, value(reader, wire, end, depth));
  }
  const { name } = field;
  const listOf = (into: JsonObject): Json[] => {
    const list = into[name];
    if (list !== undefined) return list as Json[];
    const fresh: Json[] = [];
    into[name] = fresh;
    return fresh;
  };
  const each = wireOf(field);
  if (each === SIZED) {
    return (reader, wire, end, depth, into) => void listOf(into).push(value(reader, wire, end, depth));
  }
  return (reader, wire, end, depth, into) => {
    if (wire !== SIZED) throw UNSURE;
    const to = reader.sized(end);
    if (to === reader.at) return;
    const list = listOf(into);
    while (reader.at < to) list.push(value(reader, each, to, depth));
  };
}

function mapIn(field: DescField & { fieldKind: "map" }, made: Map<DescMessage, In>): Take {
  const value = valueIn(field, made);
  const { name } = field;
  return (reader, wire, end, depth, into) => {
    if (wire !== SIZED) throw UNSURE;
    const to = reader.sized(end);
    if (reader.varint() !== 8 + SIZED) throw UNSURE;
    const key = reader.text(to);
    const tag = reader.varint();
    if (Math.floor(tag / 8) !== 2) throw UNSURE;
    const one = value(reader, tag % 8, to, depth);
    if (reader.at !== to) throw UNSURE;
    into[name] ??= {};
    setOwn(into[name] as JsonObject, key, one);
  };
}

function wireOf(field: DescField): number {
  if (field.message || field.scalar === ScalarType.STRING) return SIZED;
  if (field.scalar === ScalarType.DOUBLE) return FIXED64;
  return field.scalar === ScalarType.FLOAT ? FIXED32 : VARINT;
}

function valueIn(field: DescField, made: Map<DescMessage, In>): Value {
  const want = wireOf(field);
  const read = plainIn(field, made);
  return (reader, wire, end, depth) => {
    if (wire !== want) throw UNSURE;
    return read(reader, end, depth);
  };
}

function plainIn(
  field: DescField,
  made: Map<DescMessage, In>,
): In | ((reader: Reader, end: number, depth: number) => Json) {
  const form = formOf(field);
  switch (form) {
    case "struct":
      return (reader, end, depth) => structIn(reader, reader.sized(end), depth);
    case "message": {
      const inner = binaryIn(field.message!, made);
      return (reader, end, depth) => inner(reader, reader.sized(end), depth);
    }
    case "bare": {
      const only = bareField(field.message!)!;
      const inner = binaryIn(field.message!, made);
      const empty = () => (only.fieldKind === "list" ? [] : {});
      return (reader, end, depth) => inner(reader, reader.sized(end), depth)[only.name] ?? empty();
    }
    case "enum": {
      const texts: (string | undefined)[] = [];
      for (const { number, text } of enumValues(field)) texts[number] = text;
      return (reader) => {
        const text = texts[reader.varint()];
        if (text === undefined) throw UNSURE;
        return text;
      };
    }
    case ScalarType.STRING:
      return (reader, end) => reader.text(end);
    case ScalarType.BOOL:
      return (reader) => reader.varint() !== 0;
    case ScalarType.DOUBLE:
      return (reader, end) => finite(reader.double(end));
    case ScalarType.FLOAT:
      return (reader, end) => finite(reader.float(end));
    case ScalarType.INT32:
      return (reader) => atMost(reader.varint(), 0x7fffffff);
    case ScalarType.UINT32:
      return (reader) => atMost(reader.varint(), 0xffffffff);
    case ScalarType.INT64:
      return (reader) => reader.varint();
    default:
      throw new TypeError(`${field.toString()} has a type that has no place in JSON here.`);
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw UNSURE;
  return value;
}

function atMost(value: number, most: number): number {
  if (value > most) throw UNSURE;
  return value;
}

/** Members that have fields of their own are another's business: there are rules for them. */
function extraIn(known: ReadonlySet<string>): Take {
  return (reader, wire, end, depth, into) => {
    if (wire !== SIZED) throw UNSURE;
    const extra = structIn(reader, reader.sized(end), depth);
    for (const key of Object.keys(extra)) {
      if (known.has(key) || Object.hasOwn(into, key)) throw UNSURE;
      setOwn(into, key, extra[key]!);
    }
  };
}

function structIn(reader: Reader, end: number, depth: number): JsonObject {
  if (depth >= MAX_DEPTH) throw UNSURE;
  const json: JsonObject = {};
  while (reader.at < end) {
    if (reader.varint() !== 8 + SIZED) throw UNSURE;
    const to = reader.sized(end);
    if (reader.varint() !== 8 + SIZED) throw UNSURE;
    const key = reader.text(to);
    if (reader.varint() !== 16 + SIZED) throw UNSURE;
    const value = anyIn(reader, reader.sized(to), depth + 1);
    if (reader.at !== to) throw UNSURE;
    setOwn(json, key, value);
  }
  return json;
}

/** A `google.protobuf.Value`. */
function anyIn(reader: Reader, end: number, depth: number): Json {
  const tag = reader.varint();
  let value: Json;
  if (tag === 8 + VARINT) {
    if (reader.varint() !== 0) throw UNSURE;
    value = null;
  } else if (tag === 16 + FIXED64) value = finite(reader.double(end));
  else if (tag === 24 + SIZED) value = reader.text(end);
  else if (tag === 32 + VARINT) value = reader.varint() !== 0;
  else if (tag === 40 + SIZED) value = structIn(reader, reader.sized(end), depth);
  else if (tag === 48 + SIZED) {
    const to = reader.sized(end);
    const list: Json[] = [];
    while (reader.at < to) {
      if (depth >= MAX_DEPTH || reader.varint() !== 8 + SIZED) throw UNSURE;
      list.push(anyIn(reader, reader.sized(to), depth + 1));
    }
    value = list;
  } else throw UNSURE;
  if (reader.at !== end || (isObject(value) && depth >= MAX_DEPTH)) throw UNSURE;
  return value;
}
