import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { bareField } from "../fields.ts";
import { carries, MISFIT, SCALARS } from "../scalars.ts";
import { enumValues, extraOf, formOf, partsOf, zeroOf } from "./layout.ts";
import { caseOf, itemsOf, lookOf, memberOf, type Plain } from "./out.ts";
import { FIXED32, FIXED64, SIZED, UNSURE, VARINT, type Writer } from "./wire.ts";

/** Writes an object as a message, without its length. Throws `UNSURE`. */
export type Out = (writer: Writer, json: JsonObject) => void;
/** Writes one value, its length with it, without its tag. */
type Value = (writer: Writer, json: Json) => void;
/** Writes one part of an object, with its tag; nothing where it is not set. */
type Give = (writer: Writer, json: JsonObject, plain: Plain) => void;

/** Compiles the writing of a message. `root`: see `lookOf`. */
export function binaryOut(desc: DescMessage, root = false, made = new Map<DescMessage, Out>()): Out {
  const before = made.get(desc);
  if (before) return before;
  const gives: Give[] = [];
  const look = lookOf(desc, root);
  const extra = extraOf(desc)?.number;
  const write: Out = (writer, json) => {
    const plain = look(json);
    if (plain.extra !== undefined && extra !== undefined) {
      const since = writer.length;
      structOut(writer, plain.extra);
      writer.sized(since);
      writer.varint(extra * 8 + SIZED);
    }
    for (let i = 0; i < gives.length; i++) gives[i]!(writer, json, plain);
  };
  if (!root) made.set(desc, write);
  for (const part of partsOf(desc).toReversed()) {
    if (part.kind === "field") gives.push(memberOut(part.name, fieldOut(part.field, made)));
    else if (part.kind === "union") {
      const pick = caseOf(part.fields.map((field) => ({ field, case: fieldOut(field, made) })));
      gives.push(memberOut(part.name, (writer, value) => pick(value)(writer, value)));
    } else {
      const cases = new Map(part.fields.map((field) => [field.name, fieldOut(field, made)]));
      gives.push((writer, json, { tag }) => {
        if (tag !== undefined) cases.get(tag)!(writer, json[tag]!);
      });
    }
  }
  return write;
}

function memberOut(name: string, value: Value): Give {
  const member = memberOf(name);
  return (writer, json) => {
    const one = member(json);
    if (one !== undefined && one !== null) value(writer, one);
  };
}

/** Writes a field's value with its tag. */
function fieldOut(field: DescField, made: Map<DescMessage, Out>): Value {
  const { value, wire } = valueOut(field, made);
  if (field.fieldKind === "list") return listOut(field, value, wire);
  if (field.fieldKind === "map") return mapOut(field, value, wire);
  const tag = field.number * 8 + wire;
  const zero = zeroOf(field);
  return (writer, json) => {
    if (json === zero) return;
    value(writer, json);
    writer.varint(tag);
  };
}

function listOut(field: DescField & { fieldKind: "list" }, value: Value, wire: number): Value {
  const packed = wire !== SIZED;
  const tag = field.number * 8 + SIZED;
  return (writer, json) => {
    const list = itemsOf(field, json);
    if (list.length === 0) return;
    const since = writer.length;
    for (let i = list.length - 1; i >= 0; i--) {
      value(writer, list[i]!);
      if (!packed) writer.varint(tag);
    }
    if (!packed) return;
    writer.sized(since);
    writer.varint(tag);
  };
}

function mapOut(field: DescField & { fieldKind: "map" }, value: Value, wire: number): Value {
  const tag = field.number * 8 + SIZED;
  return (writer, json) => {
    if (!isObject(json)) throw UNSURE;
    const keys = Object.keys(json);
    for (let i = keys.length - 1; i >= 0; i--) {
      const since = writer.length;
      value(writer, json[keys[i]!]!);
      writer.varint(16 + wire);
      writer.text(keys[i]!);
      writer.varint(8 + SIZED);
      writer.sized(since);
      writer.varint(tag);
    }
  };
}

function valueOut(field: DescField, made: Map<DescMessage, Out>): { readonly value: Value; readonly wire: number } {
  const form = formOf(field);
  switch (form) {
    case "struct":
      return sized((writer, json) => {
        if (!isObject(json) || !carries(json)) throw UNSURE;
        structOut(writer, json);
      });
    case "message": {
      const inner = binaryOut(field.message!, false, made);
      return sized((writer, json) => {
        if (!isObject(json)) throw UNSURE;
        inner(writer, json);
      });
    }
    case "bare": {
      const inner = fieldOut(bareField(field.message!)!, made);
      const listed = field.fieldKind === "list";
      return sized((writer, json) => {
        if (json === null && listed) return;
        if (json === null || typeof json !== "object") throw UNSURE;
        inner(writer, json);
      });
    }
    case "enum": {
      const numbers = new Map<Json, number>(enumValues(field).map(({ text, number }) => [text, number]));
      return { wire: VARINT, value: (writer, json) => writer.varint(numbers.get(json) ?? unsure()) };
    }
    default:
      return scalarOut(field, form);
  }
}

function scalarOut(field: DescField, type: ScalarType): { readonly value: Value; readonly wire: number } {
  const fits = SCALARS[type]?.read;
  if (fits === undefined) throw new TypeError(`${field.toString()} has a type that has no place in JSON here.`);
  const plain = (json: Json) => {
    if (fits(json) === MISFIT) throw UNSURE;
  };
  const whole = (json: Json) => {
    plain(json);
    // A negative number is ten bytes long; nobody sends one.
    if ((json as number) < 0) throw UNSURE;
  };
  // Within a list of doubles null is "not a number".
  const listed = field.fieldKind === "list";
  switch (type) {
    case ScalarType.STRING:
      return {
        wire: SIZED,
        value: (writer, json) => {
          plain(json);
          writer.text(json as string);
        },
      };
    case ScalarType.BOOL:
      return {
        wire: VARINT,
        value: (writer, json) => {
          plain(json);
          writer.varint(json === true ? 1 : 0);
        },
      };
    case ScalarType.DOUBLE:
      return {
        wire: FIXED64,
        value: (writer, json) => {
          if (json === null && listed) writer.double(Number.NaN);
          else {
            plain(json);
            writer.double(json as number);
          }
        },
      };
    case ScalarType.FLOAT:
      return {
        wire: FIXED32,
        value: (writer, json) => {
          plain(json);
          writer.float(json as number);
        },
      };
    default:
      return {
        wire: VARINT,
        value: (writer, json) => {
          whole(json);
          writer.varint(json as number);
        },
      };
  }
}

function sized(value: (writer: Writer, json: Json) => void): { readonly value: Value; readonly wire: number } {
  return {
    wire: SIZED,
    value: (writer, json) => {
      const since = writer.length;
      value(writer, json);
      writer.sized(since);
    },
  };
}

function structOut(writer: Writer, json: JsonObject): void {
  const keys = Object.keys(json);
  for (let i = keys.length - 1; i >= 0; i--) {
    const since = writer.length;
    anyOut(writer, json[keys[i]!] ?? null);
    writer.varint(16 + SIZED);
    writer.text(keys[i]!);
    writer.varint(8 + SIZED);
    writer.sized(since);
    writer.varint(8 + SIZED);
  }
}

/** A `google.protobuf.Value`, with its length. */
function anyOut(writer: Writer, json: Json): void {
  const since = writer.length;
  if (json === null) {
    writer.varint(0);
    writer.varint(8 + VARINT);
  } else if (typeof json === "number") {
    writer.double(json);
    writer.varint(16 + FIXED64);
  } else if (typeof json === "string") {
    writer.text(json);
    writer.varint(24 + SIZED);
  } else if (typeof json === "boolean") {
    writer.varint(json ? 1 : 0);
    writer.varint(32 + VARINT);
  } else {
    const list = Array.isArray(json);
    if (list) {
      for (let i = json.length - 1; i >= 0; i--) {
        anyOut(writer, json[i]!);
        writer.varint(8 + SIZED);
      }
    } else structOut(writer, json);
    writer.sized(since);
    writer.varint((list ? 48 : 40) + SIZED);
  }
  writer.sized(since);
}

function unsure(): never {
  throw UNSURE;
}
