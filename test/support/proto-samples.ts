import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { isObject, type Json, type JsonObject } from "../../src/core/json.ts";
import { bareField } from "../../src/dialects/proto/fields.ts";

/** Random messages and JSON for the tests beside this; from a seed, so that a failure names its input. */

/** Uniform in [0, 1) from a seed (mulberry32), so that a failure names its input. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Roll = () => number;
const pick = <T>(roll: Roll, from: readonly T[]): T => from[Math.floor(roll() * from.length)]!;
const TEXTS = ["", "hi", "naïve 東京 👩‍🚀", '\u0000\n"\\', "null", "__proto__"];
const STRUCTS: readonly JsonObject[] = [{}, { a: [1, null, { b: "c" }] }, { zz_unknown: true, nested: { type: "x" } }];

/** A random value of a field, through descriptors; what OpenAI's JSON cannot tell apart (empty lists) is left out. */
function randomValue(field: DescField, roll: Roll): unknown {
  if (field.message) {
    return field.message.typeName === "google.protobuf.Struct"
      ? pick(roll, STRUCTS)
      : randomMessage(field.message, roll);
  }
  if (field.enum) return pick(roll, field.enum.values.slice(1)).number;
  switch (field.scalar) {
    case ScalarType.BOOL:
      return roll() < 0.5;
    case ScalarType.STRING:
      return pick(roll, TEXTS);
    case ScalarType.INT64:
      return BigInt(Math.floor(roll() * Number.MAX_SAFE_INTEGER));
    case ScalarType.DOUBLE:
      return roll() * 200 - 100;
    case ScalarType.FLOAT:
      return Math.fround(roll() * 2 - 1);
    default:
      return Math.floor(roll() * 2 ** 31);
  }
}

export function randomMessage(desc: DescMessage, roll: Roll): Message {
  const init: Record<string, unknown> = {};
  const density = bareField(desc) ? 1 : roll();
  for (const member of desc.members) {
    if (roll() > density || member.name === "served" || member.name === "extra") continue;
    if (member.kind === "oneof") {
      const field = pick(roll, member.fields);
      init[member.localName] = { case: field.localName, value: randomValue(field, roll) };
    } else if (member.fieldKind === "list") {
      init[member.localName] = Array.from({ length: 1 + Math.floor(roll() * 3) }, () => randomValue(member, roll));
    } else if (member.fieldKind === "map") {
      init[member.localName] = { k1: randomValue(member, roll), k2: randomValue(member, roll) };
    } else init[member.localName] = randomValue(member, roll);
  }
  if (desc.fields.some((one) => one.name === "extra") && roll() < 0.5)
    init["extra"] = { zz_unknown: pick(roll, STRUCTS) };
  return create(desc, init);
}

const ODD: readonly Json[] = [5.5, -1, true, "odd", [1, "a"], { a: { b: 1 } }, [[{}, 1]], 1e12, null, "", 0];

/** The JSON with about a third of its members made odd. `object` is a constant here, and is left. */
export function mutate(json: JsonObject, roll: Roll): JsonObject {
  const walk = (value: Json | undefined): Json => {
    if (Array.isArray(value)) return value.map((item) => (isObject(item) ? walk(item) : item));
    if (!isObject(value)) return value ?? null;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        if (key === "object") return [key, inner];
        return [key, roll() < 0.3 ? pick(roll, ODD) : walk(inner)];
      }),
    );
  };
  return walk(json) as JsonObject;
}
