import { create, type DescEnum, ScalarType } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import type { Node, Scalar } from "./tree.ts";

/** How one kind of value is written. */
export interface Form {
  /** What to write, such as "a whole number from 0 to 4294967295". */
  readonly want: string;
  /** The value as its proto field holds it; `undefined` when this is no such value. */
  read(value: NonNullable<Scalar["value"]>): unknown;
}

const RANGES = new Map<ScalarType, readonly [bits: number, signed: boolean]>([
  [ScalarType.INT32, [32, true]],
  [ScalarType.SINT32, [32, true]],
  [ScalarType.SFIXED32, [32, true]],
  [ScalarType.UINT32, [32, false]],
  [ScalarType.FIXED32, [32, false]],
  [ScalarType.INT64, [64, true]],
  [ScalarType.SINT64, [64, true]],
  [ScalarType.SFIXED64, [64, true]],
  [ScalarType.UINT64, [64, false]],
  [ScalarType.FIXED64, [64, false]],
]);

/** The form of a scalar field. A whole number whose field's name ends in `_bytes` may be a size such as `32MiB`. */
export function scalarForm(type: ScalarType, name: string): Form {
  const range = RANGES.get(type);
  if (range) return wholeForm(range[0], range[1], name.endsWith("_bytes"));
  switch (type) {
    case ScalarType.STRING:
      return { want: "text", read: (value) => (typeof value === "string" ? value : undefined) };
    case ScalarType.BOOL:
      return { want: "true or false", read: (value) => (typeof value === "boolean" ? value : undefined) };
    case ScalarType.BYTES:
      return { want: "base64", read: (value) => (typeof value === "string" ? base64(value) : undefined) };
    default:
      return { want: "a number", read: finite };
  }
}

function wholeForm(bits: number, signed: boolean, size: boolean): Form {
  const most = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
  const least = signed ? -most - 1n : 0n;
  const range = `from ${least} to ${most}`;
  return {
    want: size ? `a number of bytes ${range}, or a size such as 32MiB` : `a whole number ${range}`,
    read(value) {
      const number = size && typeof value === "string" ? bytesOf(value) : value;
      if (typeof number !== "bigint" && !(typeof number === "number" && Number.isInteger(number))) return undefined;
      const whole = BigInt(number);
      if (whole < least || whole > most) return undefined;
      return bits === 64 ? whole : Number(whole);
    },
  };
}

function finite(value: NonNullable<Scalar["value"]>): number | undefined {
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function base64(text: string): Uint8Array | undefined {
  try {
    return base64Decode(text);
  } catch {
    return undefined;
  }
}

const SIZES = new Map([
  ["b", 1],
  ...["k", "m", "g", "t"].flatMap((letter, index): [string, number][] => [
    [`${letter}ib`, 1024 ** (index + 1)],
    [`${letter}b`, 1000 ** (index + 1)],
  ]),
] as const);

function bytesOf(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,15})?) ?([kmgt]?i?b)$/i.exec(text) ?? [];
  const factor = SIZES.get(unit?.toLowerCase() ?? "");
  return number === undefined || factor === undefined ? undefined : Math.round(Number(number) * factor);
}

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** `500ms`, `30s`, `5m`, `1h`, or a plain number of seconds; kept to the nanosecond. */
export const DURATION: Form = {
  want: "a duration such as 500ms, 30s, 5m",
  read(value): Duration | undefined {
    const seconds = typeof value === "string" ? secondsOf(value) : finite(value);
    // A proto Duration spans about 10,000 years.
    if (seconds === undefined || seconds < 0 || seconds > 315_576_000_000) return undefined;
    const whole = Math.floor(seconds);
    return create(DurationSchema, {
      seconds: BigInt(whole),
      nanos: Math.min(999_999_999, Math.round((seconds - whole) * 1e9)),
    });
  },
};

function secondsOf(text: string): number | undefined {
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,15})?)(ms|s|m|h)$/.exec(text) ?? [];
  return number === undefined ? undefined : (Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS]) / 1000;
}

/** The form of an enum: its names without the prefix, in lower case; case, `-` and `_` do not matter. */
export function enumForm(type: DescEnum): Form & { readonly names: readonly string[] } {
  const prefix = type.sharedPrefix ?? "";
  const named = type.values.map(({ name, number }) => [name.toLowerCase().replace(prefix, ""), number] as const);
  const numbers = new Map(named.filter(([name]) => name !== "unspecified"));
  const names = [...numbers.keys()];
  return {
    want: `one of ${names.join(", ")}`,
    names,
    read(value) {
      const name = typeof value === "string" ? value.toLowerCase().replaceAll("-", "_") : "";
      // JSON of the protos has the prefix.
      return numbers.get(name) ?? (name.startsWith(prefix) ? numbers.get(name.slice(prefix.length)) : undefined);
    },
  };
}

/** What stands there, for "want ..., have ...". A value is cut at 40 characters; a secret's is never shown. */
export function shown(node: Node, secret = false): string {
  if (node.kind !== "scalar") return `a ${node.kind}`;
  if (node.value === null) return "nothing";
  if (secret)
    return `a ${typeof node.value === "string" ? "text" : typeof node.value === "boolean" ? "boolean" : "number"}`;
  const text = typeof node.value === "string" ? JSON.stringify(node.value) : String(node.value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
