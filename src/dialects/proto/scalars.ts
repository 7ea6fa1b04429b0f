import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import type { Json, JsonObject } from "../../core/json.ts";

/** What `read` gives for JSON that is not of its type; the caller then keeps the JSON in `extra`. */
export const MISFIT = Symbol("misfit");
/** JSON to a field's value, or `MISFIT`. Never throws. */
export type Read = (json: Json) => unknown;
/** A field's value to JSON; `undefined`: leave the member out. */
export type Write = (value: never) => Json | undefined;
/** How one kind of value is read from JSON and written to it. */
export interface Shape {
  readonly read: Read;
  /** Absent: the value is the JSON. */
  readonly write?: Write;
}

const FLOAT32_MAX = 3.4028234663852886e38;
const INT32_MAX = 0x7fffffff;
const UINT32_MAX = 0xffffffff;

const isText: Read = (json) => (typeof json === "string" ? json : MISFIT);
// JSON such as 1e999 parses to Infinity.
const isDouble: Read = (json) => (Number.isFinite(json) ? json : MISFIT);
const isFloat: Read = (json) => (typeof json === "number" && Math.abs(json) <= FLOAT32_MAX ? json : MISFIT);
const isBool: Read = (json) => (typeof json === "boolean" ? json : MISFIT);
const isInt32: Read = (json) =>
  Number.isInteger(json) && (json as number) >= -INT32_MAX - 1 && (json as number) <= INT32_MAX ? json : MISFIT;
const isUint32: Read = (json) =>
  Number.isInteger(json) && (json as number) >= 0 && (json as number) <= UINT32_MAX ? json : MISFIT;
const toInt64: Read = (json) => (Number.isSafeInteger(json) ? BigInt(json as number) : MISFIT);

/** The shape of a scalar; `undefined` for the types that this API does not use. */
export const SCALARS: { readonly [type in ScalarType]?: Shape } = {
  [ScalarType.STRING]: { read: isText },
  [ScalarType.BOOL]: { read: isBool },
  [ScalarType.DOUBLE]: { read: isDouble },
  [ScalarType.FLOAT]: { read: isFloat },
  [ScalarType.INT32]: { read: isInt32 },
  [ScalarType.UINT32]: { read: isUint32 },
  // Past 2^53 a number is not exact; nothing in OpenAI's API means an integer that large.
  [ScalarType.INT64]: { read: toInt64, write: (value: bigint) => Number(value) },
};

/** OpenAI's strings by number: `ROLE_USER` is "user". 0 has none: it means "absent". */
export function enumTexts(desc: DescEnum): Map<number, string> {
  const prefix = desc.sharedPrefix?.length ?? 0;
  const named = desc.values.filter((one) => one.number !== 0);
  return new Map(named.map((one) => [one.number, one.name.slice(prefix).toLowerCase()]));
}

/** The shape of an enum, whose values are OpenAI's strings. */
export function enumShape(desc: DescEnum): Shape {
  const texts = enumTexts(desc);
  const numbers = new Map<Json, number>([...texts].map(([number, text]) => [text, number]));
  return { read: (json) => numbers.get(json) ?? MISFIT, write: (value: number) => texts.get(value) };
}

/** Base64 of little-endian 32-bit floats to numbers; `MISFIT` for what is not that. */
export function readFloats(base64: string): number[] | typeof MISFIT {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length % 4 !== 0 || Math.ceil(bytes.length / 3) * 4 - base64.length > 2) return MISFIT;
  const count = bytes.length / 4;
  const floats: number[] = [];
  for (let i = 0; i < count; i++) {
    const float = bytes.readFloatLE(i * 4);
    if (!Number.isFinite(float)) return MISFIT;
    floats.push(float);
  }
  return floats;
}

/**
 * Most levels of objects and lists that a `Struct` may hold. One level of JSON is three of messages, and protobuf's
 * decoders stop at 100: deeper JSON would make the whole message unreadable to a caller.
 */
const MAX_DEPTH = 28;

/** Whether a `Struct` can carry the value to every client: finite numbers, not too deep. */
export function carries(json: Json | undefined, depth = MAX_DEPTH): boolean {
  if (typeof json === "number") return Number.isFinite(json);
  if (typeof json !== "object" || json === null) return json !== undefined;
  if (depth === 0) return false;
  if (Array.isArray(json)) return json.every((item) => carries(item, depth - 1));
  for (const key in json) if (!carries(json[key], depth - 1)) return false;
  return true;
}

/** Sets an own member even where the key is `__proto__`, which plain assignment would take for the prototype. */
export function setOwn(target: JsonObject, key: string, value: Json): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}
