import { type DescField, type DescMessage, type DescOneof, getOption, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { field as fieldRules, oneof as oneofRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { bareField } from "./fields.ts";
import { enumTexts } from "./scalars.ts";

/**
 * What JSON type a member has. A `union` is one of its `cases`, told apart by their JSON type; in place of a list of
 * strings OpenAI takes one string, as for `stop`.
 */
export type Kind = "string" | "integer" | "number" | "boolean" | "list" | "map" | "object" | "union";

/** The rules of one member of a JSON object, as plain data; an absent rule means "anything". */
export interface MemberRules {
  /** In JSON; empty for the items of a list and the keys and values of a map. */
  readonly name: string;
  readonly kind: Kind;
  /** The member must be there, and be neither null nor empty. */
  readonly required: boolean;
  readonly gte?: number;
  readonly lte?: number;
  /** In Unicode code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** RE2 syntax; every one in use means the same in JavaScript. */
  readonly pattern?: string;
  /** The only strings allowed. */
  readonly in?: readonly string[];
  /** Strings that are known where others are allowed too: OpenAI's sets grow. */
  readonly known?: readonly string[];
  /** Items of a list, members of a map. */
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Each item of a list, each value of a map. */
  readonly items?: MemberRules;
  /** Each key of a map. */
  readonly keys?: MemberRules;
  /** Known members of an object; absent: any. Others are always allowed. */
  readonly fields?: readonly MemberRules[];
  readonly cases?: readonly MemberRules[];
}

/**
 * The `buf.validate` rules of a message as rules of the JSON that it mirrors, so that REST can hold its callers to what
 * gRPC callers are held to. Reads field rules alone; the messages have no others. For messages that do not hold themselves.
 */
export function rulesOf(desc: DescMessage): readonly MemberRules[] {
  const members: MemberRules[] = [];
  for (const member of desc.members) {
    if (member.name === "extra") continue;
    if (member.kind === "field") members.push(memberRules(member));
    else if (member.name !== "type") members.push(unionRules(member));
    else members.push({ name: "type", kind: "string", required: false }, ...member.fields.map(memberRules));
  }
  return members;
}

function unionRules(oneof: DescOneof): MemberRules {
  const { required } = getOption(oneof, oneofRules);
  return { name: oneof.name, kind: "union", required, cases: oneof.fields.map(memberRules) };
}

function memberRules(field: DescField): MemberRules {
  return of(field.name, field, getOption(field, fieldRules), field.fieldKind);
}

function of(name: string, field: DescField, rules: FieldRules | undefined, as: DescField["fieldKind"]): MemberRules {
  const given = rules?.required ?? false;
  const type = rules?.type;
  if (as === "list") {
    const list = type?.case === "repeated" ? type.value : undefined;
    const items = of("", field, list?.items, (field as DescField & { fieldKind: "list" }).listKind);
    const bounds = defined({ minItems: number(list?.minItems), maxItems: number(list?.maxItems) });
    return { name, kind: "list", required: given || (list?.minItems ?? 0n) > 0n, ...bounds, items };
  }
  if (as === "map") {
    const map = type?.case === "map" ? type.value : undefined;
    const items = of("", field, map?.values, (field as DescField & { fieldKind: "map" }).mapKind);
    const keys: MemberRules = { name: "", kind: "string", ...textRules(map?.keys) };
    const bounds = defined({ minItems: number(map?.minPairs), maxItems: number(map?.maxPairs) });
    return { name, kind: "map", required: given, ...bounds, items, keys };
  }
  if (field.message && as === "message") return { ...ofMessage(name, field.message), required: given };
  if (field.enum && as === "enum") {
    const closed = type?.case === "enum" && type.value.notIn.includes(0);
    const texts = [...enumTexts(field.enum).values()];
    return { name, kind: "string", required: given || closed, [closed ? "in" : "known"]: texts };
  }
  const scalar = field.scalar;
  if (scalar === ScalarType.STRING) {
    const { required, ...text } = textRules(rules);
    // In a oneof, or with presence of its own, a field that is not set breaks no rule.
    return {
      name,
      kind: "string",
      required: given || (required && field.presence === FeatureSet_FieldPresence.IMPLICIT && !field.oneof),
      ...text,
    };
  }
  if (scalar === ScalarType.BOOL) return { name, kind: "boolean", required: given };
  const real = scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT;
  return { name, kind: real ? "number" : "integer", required: given, ...boundsOf(rules) };
}

function ofMessage(name: string, desc: DescMessage): MemberRules {
  // Some of protobuf's own hold themselves; none has rules.
  if (desc.typeName.startsWith("google.protobuf.")) return { name, kind: "object", required: false };
  const bare = bareField(desc);
  if (bare) return { ...memberRules(bare), name };
  return { name, kind: "object", required: false, fields: rulesOf(desc) };
}

function textRules(rules: FieldRules | undefined): Omit<MemberRules, "name" | "kind"> {
  const text = rules?.type.case === "string" ? rules.type.value : undefined;
  const set = (name: "minLen" | "maxLen" | "pattern") => (text && Object.hasOwn(text, name) ? text[name] : undefined);
  const pattern = set("pattern") as string | undefined;
  const minLength = number(set("minLen") as bigint | undefined);
  const required = (minLength ?? 0) > 0 || (pattern !== undefined && !new RegExp(pattern, "u").test(""));
  return { required, ...defined({ minLength, maxLength: number(set("maxLen") as bigint | undefined), pattern }) };
}

function boundsOf(rules: FieldRules | undefined): { gte?: number; lte?: number } {
  const type = rules?.type;
  if (type?.case !== "double" && type?.case !== "int32") return {};
  const { greaterThan, lessThan } = type.value;
  return defined({
    gte: greaterThan.case === "gte" ? greaterThan.value : undefined,
    lte: lessThan.case === "lte" ? lessThan.value : undefined,
  });
}

const number = (count: bigint | undefined) => (count ? Number(count) : undefined);

/** Without the members that are `undefined`. */
function defined<T extends object>(rules: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined)) as never;
}
