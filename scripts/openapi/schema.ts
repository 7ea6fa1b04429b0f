import { type DescField, ScalarType } from "@bufbuild/protobuf";
import type { MemberRules } from "../../src/dialects/proto/rules.ts";
import { rulesOf } from "../../src/dialects/proto/rules.ts";

/** A JSON Schema of draft 2020-12, as OpenAPI 3.1 takes them. */
export interface Schema {
  [keyword: string]: unknown;
}

export const STRUCT = "google.protobuf.Struct";

export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** The schema, or null. */
export function orNull(schema: Schema): Schema {
  const { type, description, ...rest } = schema;
  if (typeof type === "string" && rest["enum"] === undefined) {
    return { type: [type, "null"], ...(description !== undefined && { description }), ...rest };
  }
  const { description: _, ...bare } = schema;
  const cases = bare["anyOf"] && Object.keys(bare).length === 1 ? (bare["anyOf"] as Schema[]) : [bare];
  return { ...(description !== undefined && { description }), anyOf: [...cases, { type: "null" }] };
}

export function described(description: string, schema: Schema): Schema {
  return description === "" ? schema : { description, ...schema };
}

/** The rules that REST and gRPC callers are held to at this field. */
export function rulesAt(field: DescField): MemberRules {
  const all = rulesOf(field.parent).flatMap((one) => (one.kind === "union" ? one.cases! : [one]));
  return all.find((one) => one.name === field.name) ?? { name: field.name, kind: "object", required: false };
}

/** JSON Schema's words for the rules of a value. */
export function boundsOf(rules: MemberRules | undefined): Schema {
  if (rules === undefined) return {};
  const map = rules.kind === "map";
  const bounds = {
    minimum: rules.gte,
    maximum: rules.lte,
    minLength: rules.minLength,
    maxLength: rules.maxLength,
    pattern: rules.pattern,
    [map ? "minProperties" : "minItems"]: rules.minItems,
    [map ? "maxProperties" : "maxItems"]: rules.maxItems,
  };
  return Object.fromEntries(Object.entries(bounds).filter(([, value]) => value !== undefined));
}

/** `Required.` leads the comment of a member that must be there. */
export function isRequired(comment: string): boolean {
  return comment.startsWith("Required.");
}

export const INTEGERS: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT32,
  ScalarType.UINT32,
  ScalarType.SINT32,
  ScalarType.FIXED32,
]);
export const LONGS: ReadonlySet<ScalarType> = new Set([ScalarType.INT64, ScalarType.UINT64]);
