import type { DescOneof } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../core/json.ts";
import { type Fields, fieldShape, type ShapeOf } from "./fields.ts";
import { MISFIT } from "./scalars.ts";

/** OpenAI's tagged union: `{"type": "file", "file": {...}}`. */
export interface Union {
  /** Sets the case; the member that held it, or `undefined`: no case fits, and the object's members are all unknown. */
  read(message: Fields, json: JsonObject): string | undefined;
  write(message: Fields, json: JsonObject): void;
}

/** The union that a oneof named `type` stands for. Without a tag, as some providers send it, the member tells the case. */
export function unionOf(oneof: DescOneof, shapeOf: ShapeOf): Union {
  const cases = oneof.fields.map((field) => ({
    tag: field.name,
    name: field.localName,
    ...fieldShape(field, shapeOf),
  }));
  const byTag = new Map<Json | undefined, (typeof cases)[number]>(cases.map((one) => [one.tag, one]));
  const byName = new Map<string | undefined, (typeof cases)[number]>(cases.map((one) => [one.name, one]));
  const { localName } = oneof;
  return {
    read(message, json) {
      const tag = json["type"] ?? undefined;
      const one = tag === undefined ? cases.find((other) => json[other.tag] != null) : byTag.get(tag);
      const member = one && json[one.tag];
      if (member === undefined) return undefined;
      const value = one!.read(member);
      if (value === MISFIT) return undefined;
      message[localName] = { case: one!.name, value };
      return one!.tag;
    },
    write(message, json) {
      const set = message[localName] as { case: string | undefined; value?: unknown };
      const one = byName.get(set.case);
      if (!one) return;
      json["type"] = one.tag;
      json[one.tag] = one.write ? (one.write(set.value as never) ?? null) : (set.value as Json);
    },
  };
}
