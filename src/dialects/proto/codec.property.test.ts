import {
  create,
  type DescField,
  type DescMessage,
  equals,
  fromBinary,
  type Message,
  ScalarType,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ChatRequestSchema, ChatResponseSchema, StreamChatResponseSchema } from "../../../gen/polygate/v1/chat_pb.js";
import { CompleteRequestSchema, CompleteResponseSchema } from "../../../gen/polygate/v1/completions_pb.js";
import { EmbedRequestSchema, EmbedResponseSchema } from "../../../gen/polygate/v1/embeddings_pb.js";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { codec } from "./codec.ts";
import { bareField } from "./fields.ts";

const REQUESTS: readonly DescMessage[] = [ChatRequestSchema, CompleteRequestSchema, EmbedRequestSchema];
const REPLIES: readonly DescMessage[] = [
  ChatResponseSchema,
  StreamChatResponseSchema,
  CompleteResponseSchema,
  EmbedResponseSchema,
];
const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

/** Uniform in [0, 1) from a seed (mulberry32), so that a failure names its input. */
function dice(seed: number): () => number {
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

function randomMessage(desc: DescMessage, roll: Roll): Message {
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

describe.each([...REQUESTS, ...REPLIES].map((desc) => [desc.name, desc] as const))("%s", (_, desc) => {
  const mapped = codec(desc);

  it("is the same after a way through JSON text and the wire", () => {
    for (const seed of SEEDS) {
      const message = randomMessage(desc, dice(seed));
      const read = mapped.fromCommon(JSON.parse(JSON.stringify(mapped.toCommon(message))) as JsonObject);
      const back = fromBinary(desc, toBinary(desc, read));
      expect(equals(desc, back, message), `seed ${seed}: ${JSON.stringify(mapped.toCommon(message))}`).toBe(true);
    }
  });

  it("never throws on odd values, and loses none that a Struct can hold", () => {
    for (const seed of SEEDS) {
      const roll = dice(seed);
      const json = mutate(mapped.toCommon(randomMessage(desc, roll)), roll);
      const message = mapped.fromCommon(json);
      expect(() => [toBinary(desc, message), toJsonString(desc, message)], JSON.stringify(json)).not.toThrow();
      expect(pruned(mapped.toCommon(message)), `seed ${seed}`).toEqual(pruned(json));
    }
  });
});

const ODD: readonly Json[] = [5.5, -1, true, "odd", [1, "a"], { a: { b: 1 } }, [[{}, 1]], 1e12, null, "", 0];

/** The JSON with about a third of its members made odd. `object` is a constant here, and is left. */
function mutate(json: JsonObject, roll: Roll): JsonObject {
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

/** Without what JSON may say in two ways: null, empty lists and objects, zeroes, and a lone string for a list of it. */
function pruned(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) {
    if (value.length === 1 && typeof value[0] === "string") return pruned(value[0]);
    return value.length > 0 ? value.map((item) => pruned(item) ?? null) : undefined;
  }
  if (!isObject(value)) return value === null || value === 0 || value === "" || value === false ? undefined : value;
  const members = Object.entries(value)
    .map(([key, inner]) => [key, pruned(inner)] as const)
    .filter(([key, inner]) => inner !== undefined && key !== "object");
  return members.length > 0 ? Object.fromEntries(members) : undefined;
}
