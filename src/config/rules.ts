import { isIP } from "node:net";
import {
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  type Message,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Duration } from "@bufbuild/protobuf/wkt";
import {
  type FieldRules,
  FieldRulesSchema,
  field as fieldRules,
  Ignore,
  message as messageRules,
  oneof as oneofRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { memo } from "./memo.ts";

/** A rule of a value. */
export interface Rule {
  /** What the rule wants, such as "at most 65535". */
  readonly want: string;
  /** The allowed values, when the rule lists them. */
  readonly choices?: readonly string[];
}

interface GivenRule extends Rule {
  holds(value: Plain): boolean;
}

type Plain = string | number | bigint | boolean;

interface Limit {
  readonly value: Plain;
  readonly text: string;
}

interface Test {
  holds(value: Plain, limit: Plain): boolean;
  want(limit: string): string;
}

const lengthOf = (value: Plain): bigint => BigInt(Array.from(String(value)).length);

/** The rules of one value. Any other one is refused, so that no rule is written and then not kept. */
const TESTS: Readonly<Record<string, Test>> = {
  const: { holds: (value, limit) => value === limit, want: (limit) => limit },
  gt: { holds: (value, limit) => value > limit, want: (limit) => `more than ${limit}` },
  gte: { holds: (value, limit) => value >= limit, want: (limit) => `at least ${limit}` },
  lt: { holds: (value, limit) => value < limit, want: (limit) => `less than ${limit}` },
  lte: { holds: (value, limit) => value <= limit, want: (limit) => `at most ${limit}` },
  min_len: {
    holds: (value, limit) => lengthOf(value) >= BigInt(limit),
    want: (limit) => `at least ${limit} characters`,
  },
  max_len: {
    holds: (value, limit) => lengthOf(value) <= BigInt(limit),
    want: (limit) => `at most ${limit} characters`,
  },
  pattern: { holds: (value, limit) => new RegExp(`${limit}`, "u").test(`${value}`), want: patternInWords },
  prefix: {
    holds: (value, limit) => `${value}`.startsWith(`${limit}`),
    want: (limit) => `a text that starts with ${limit}`,
  },
  suffix: {
    holds: (value, limit) => `${value}`.endsWith(`${limit}`),
    want: (limit) => `a text that ends with ${limit}`,
  },
  contains: {
    holds: (value, limit) => `${value}`.includes(`${limit}`),
    want: (limit) => `a text that contains ${limit}`,
  },
  uri: {
    holds: (value) => /^[a-z][a-z0-9+.-]*:\/\/./i.test(`${value}`) && URL.canParse(`${value}`),
    want: () => "a URL such as https://example.com/v1",
  },
  ip: { holds: (value) => isIP(`${value}`) > 0, want: () => "an IP address" },
};

/** Patterns that newcomers meet, in words. */
const WORDS = new Map([
  ["^[\\p{L}\\p{N}_.-]+$", "letters, digits, _, - and . only"],
  ["^[\\p{L}\\p{N}_.@-]+$", "letters, digits, _, -, . and @ only"],
  ["^[0-9a-fA-F]{64}$", "64 hexadecimal digits"],
  ["^(\\*|[a-z][a-z0-9+.-]*://[^/\\s]+)$", "an origin such as https://app.example.com, without a path, or *"],
]);

function patternInWords(pattern: string): string {
  return WORDS.get(pattern) ?? `a text that matches ${pattern}`;
}

/** `buf.validate` rules of a field, read once. */
export const rulesOf = memo((field: DescField): FieldRules | undefined =>
  hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined,
);

/** Whether one of the group's fields has to be given. */
export const oneofRequired = (oneof: DescOneof): boolean =>
  hasOption(oneof, oneofRules) && getOption(oneof, oneofRules).required;

/**
 * The rules that a single value breaks: of a field that is not repeated, or of an element. The plain rules of
 * `buf.validate` are read here and not by `@bufbuild/protovalidate`, whose import alone takes 110 ms of the start
 * (this: 10 ms).
 *
 * Throws an `Error` for a rule that is not known here (CEL among them): a fault of the proto, which a test finds.
 */
export function broken(rules: FieldRules | undefined, value: unknown): readonly Rule[] {
  if (rules?.ignore === Ignore.IF_ZERO_VALUE && (value === "" || Number(value) === 0)) return [];
  return given(rules).filter((rule) => !rule.holds(limitOf(value).value));
}

/** The rules that are set for a single value. */
export function given(rules: FieldRules | undefined): readonly GivenRule[] {
  return rules === undefined ? [] : givenBy(rules);
}

const givenBy = memo(readGiven);

function readGiven({ type: { case: kind, value }, ignore }: FieldRules): readonly GivenRule[] {
  if (kind === undefined || kind === "repeated" || kind === "map" || ignore === Ignore.ALWAYS) return [];
  const { message } = FieldRulesSchema.field[kind];
  const set = reflect(message!, value as Message);
  return set.fields.filter((field) => set.isSet(field)).map((field) => ruleOf(field, set.get(field)));
}

function ruleOf(field: DescField, raw: unknown): GivenRule {
  if (field.name === "in" || field.name === "not_in") {
    const limits = [...(raw as Iterable<unknown>)].map(limitOf);
    const choices = limits.map(({ text }) => text);
    const among = (value: Plain) => limits.some((limit) => limit.value === value);
    return field.name === "in"
      ? { want: `one of ${choices.join(", ")}`, choices, holds: among }
      : { want: `anything but ${choices.join(", ")}`, holds: (value) => !among(value) };
  }
  const test = TESTS[field.name] ?? unknownRule(`${field.parent.typeName}.${field.name}`);
  const limit = limitOf(raw);
  return { want: test.want(limit.text), holds: (value) => test.holds(value, limit.value) };
}

/** Durations compare as nanoseconds. */
function limitOf(raw: unknown): Limit {
  if (typeof raw !== "object" || raw === null) return { value: raw as Plain, text: String(raw as Plain) };
  const { seconds, nanos } = ("message" in raw ? raw.message : raw) as Duration;
  const [all, hours] = [Number(seconds) + nanos / 1e9, Number(seconds) / 3600];
  const text = hours >= 1 && Number.isInteger(hours) && nanos === 0 ? `${hours}h` : `${all}s`;
  return { value: seconds * 1_000_000_000n + BigInt(nanos), text };
}

/** The rules that a list or a map breaks as a whole. `keys` identify its elements. */
export function brokenWhole(rules: FieldRules | undefined, keys: readonly string[]): Rule[] {
  const bounds = boundsOf(rules);
  const found: Rule[] = [];
  if (keys.length < bounds.least) found.push({ want: `at least ${bounds.least} of them` });
  if (keys.length > bounds.most) found.push({ want: `at most ${bounds.most} of them` });
  if (bounds.unique && new Set(keys).size < keys.length) found.push({ want: "no entry twice" });
  return found;
}

function boundsOf(rules: FieldRules | undefined): { least: bigint; most: bigint | number; unique: boolean } {
  const type = rules?.type;
  const [least, most] =
    type?.case === "repeated"
      ? [type.value.minItems, type.value.maxItems]
      : type?.case === "map"
        ? [type.value.minPairs, type.value.maxPairs]
        : [0n, 0n];
  // 0 is a limit not set.
  return { least, most: most || Number.POSITIVE_INFINITY, unique: type?.case === "repeated" && type.value.unique };
}

/** The rules of a list's items, or of a map's keys and values. */
export function innerRules(rules: FieldRules | undefined): {
  readonly keys?: FieldRules | undefined;
  readonly values?: FieldRules | undefined;
} {
  const type = rules?.type;
  if (type?.case === "repeated") return { values: type.value.items };
  return type?.case === "map" ? type.value : {};
}

/** Throws an `Error` when the message or anything within it carries a rule that is not kept here. For tests. */
export function assertRulesKnown(message: DescMessage, seen = new Set<DescMessage>()): void {
  if (seen.has(message)) return;
  seen.add(message);
  if (hasOption(message, messageRules)) unknownRule(`${message.typeName}: a rule of the message as a whole`);
  for (const field of message.fields) {
    const rules = rulesOf(field);
    if (rules?.cel.length || rules?.celExpression.length) unknownRule(`${field.toString()}: CEL`);
    for (const each of [rules, innerRules(rules).keys, innerRules(rules).values]) given(each);
    if (field.message) assertRulesKnown(field.message, seen);
  }
}

function unknownRule(name: string): never {
  throw new Error(`${name}: config/rules.ts does not keep this rule; teach it there, or check it in code`);
}
