import type { DescField, DescOneof } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../core/json.ts";
import { type Fields, fieldShape, presence, type ShapeOf } from "./fields.ts";
import { MISFIT } from "./scalars.ts";

/** Puts a member's value into the message; false: it does not fit. */
export type Take = (message: Fields, json: Json) => boolean;
/** Puts a field's value into the JSON. */
export type Give = (message: Fields, json: JsonObject) => void;

/** A field that is the member of its name. */
export function addField(field: DescField, shapeOf: ShapeOf, takes: Map<string, Take>, gives: Give[]): void {
  const { read, write } = fieldShape(field, shapeOf);
  const { name, localName } = field;
  const present = presence(field);
  takes.set(name, (message, json) => {
    const value = read(json);
    if (value === MISFIT) return false;
    message[localName] = value;
    return true;
  });
  gives.push((message, json) => {
    const value = message[localName];
    if (!present(value)) return;
    const member = write ? write(value as never) : (value as Json);
    if (member !== undefined) json[name] = member;
  });
}

/** A field's other name: the field's own value stays, and a second text that says the same is not kept. */
export function takeAlias(field: DescField, shapeOf: ShapeOf): Take {
  const { read } = fieldShape(field, shapeOf);
  return (message, json) => {
    const value = read(json);
    if (value === MISFIT) return false;
    message[field.localName] ??= value;
    return message[field.localName] === value;
  };
}

/** One member whose JSON type tells the case: the cases are tried in the order of their declaration. */
export function addUnion(oneof: DescOneof, shapeOf: ShapeOf, takes: Map<string, Take>, gives: Give[]): void {
  const cases = oneof.fields.map((field) => ({ name: field.localName, ...fieldShape(field, shapeOf) }));
  const { name, localName } = oneof;
  takes.set(name, (message, json) => {
    for (const one of cases) {
      const value = one.read(json);
      if (value === MISFIT) continue;
      message[localName] = { case: one.name, value };
      return true;
    }
    return false;
  });
  gives.push((message, json) => {
    const set = message[localName] as { case: string | undefined; value?: unknown };
    const one = cases.find((other) => other.name === set.case);
    if (!one) return;
    const member = one.write ? one.write(set.value as never) : (set.value as Json);
    if (member !== undefined) json[name] = member;
  });
}
