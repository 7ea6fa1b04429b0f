import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { carries, enumShape, MISFIT, type Read, readFloats, SCALARS, type Shape, type Write } from "./scalars.ts";

/** A message's value as the runtime holds it: fields by their local name. */
export type Fields = Record<string, unknown>;
/** Gives the shape of a message, which may still be in the making. */
export type ShapeOf = (desc: DescMessage) => Shape;

const STRUCT: Shape = { read: (json) => (isObject(json) && carries(json) ? json : MISFIT) };

/** How a field's JSON is read and written. `messages` gives the shape of a message, which may still be in the making. */
export function fieldShape(field: DescField, messages: ShapeOf): Shape {
  switch (field.fieldKind) {
    case "list":
      return listShape(field, elementShape(field, messages));
    case "map":
      return mapShape(elementShape(field, messages));
    default:
      return elementShape(field, messages);
  }
}

function elementShape(field: DescField, messages: ShapeOf): Shape {
  if (field.message) return field.message.typeName === "google.protobuf.Struct" ? STRUCT : messages(field.message);
  if (field.enum) return enumShape(field.enum);
  const shape = SCALARS[field.scalar as ScalarType];
  if (!shape) throw new TypeError(`${field.toString()} has a type that has no place in JSON here.`);
  return shape;
}

/** A list whose items all fit; of most scalars it is the JSON's own list. */
function listShape(field: DescField & { fieldKind: "list" }, item: Shape): Shape {
  const scalar = field.listKind === "scalar" ? field.scalar : undefined;
  const double = scalar === ScalarType.DOUBLE;
  const asIs = scalar !== undefined && item.write === undefined && !double;
  const read: Read = (json) => {
    if (!Array.isArray(json)) return scalar === undefined ? MISFIT : readLone(json, scalar);
    if (asIs) {
      for (let i = 0; i < json.length; i++) if (item.read(json[i]!) === MISFIT) return MISFIT;
      return json;
    }
    const values: unknown[] = [];
    for (let i = 0; i < json.length; i++) {
      const one = double && json[i] === null ? Number.NaN : item.read(json[i]!);
      if (one === MISFIT) return MISFIT;
      values.push(one);
    }
    return values;
  };
  const one: Write | undefined = double ? (value: number) => (Number.isNaN(value) ? null : value) : item.write;
  if (one === undefined) return { read };
  return { read, write: (values: never[]) => values.map((value) => one(value) ?? null) };
}

/** Where OpenAI takes something else for a list: one string for `stop`, base64 for a vector. */
function readLone(json: Json, scalar: ScalarType): unknown {
  if (typeof json !== "string") return MISFIT;
  if (scalar === ScalarType.FLOAT) return readFloats(json);
  return scalar === ScalarType.STRING ? [json] : MISFIT;
}

/** A map whose values all fit. Of scalars it is the JSON's own object, so no key is ever assigned. */
function mapShape(item: Shape): Shape {
  if (item.write) throw new TypeError("Maps hold scalars here.");
  const read: Read = (json) => {
    if (!isObject(json)) return MISFIT;
    for (const key in json) if (item.read(json[key] ?? null) === MISFIT) return MISFIT;
    return json;
  };
  return { read };
}

/** Whether a value makes a member: a list or map that holds something, anything else that is there. */
export function presence(field: DescField): (value: unknown) => boolean {
  switch (field.fieldKind) {
    case "list":
      return (value) => (value as unknown[]).length > 0;
    case "map":
      return (value) => {
        for (const _ in value as JsonObject) return true;
        return false;
      };
    default:
      return (value) => value !== undefined;
  }
}

/** The one field of a message that stands for a bare list or object, such as `ContentParts`. */
export function bareField(desc: DescMessage): DescField | undefined {
  const only = desc.members.length === 1 ? desc.fields[0] : undefined;
  return only && (only.fieldKind === "list" || only.fieldKind === "map") ? only : undefined;
}
