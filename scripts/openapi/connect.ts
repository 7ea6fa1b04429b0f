import { type DescEnum, type DescField, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import type { MemberRules } from "../../src/dialects/proto/rules.ts";
import type { Protos } from "./protos.ts";
import { boundsOf, described, INTEGERS, isRequired, LONGS, ref, rulesAt, type Schema, STRUCT } from "./schema.ts";

/**
 * Schemas of the messages in ProtoJSON, which Connect's JSON is: camelCase names, enum values by their full names.
 * @see https://protobuf.dev/programming-guides/json/
 */
export class ConnectSchemas {
  readonly schemas: Record<string, Schema> = {};
  private readonly protos: Protos;

  constructor(protos: Protos) {
    this.protos = protos;
  }

  of(desc: DescMessage): Schema {
    if (!Object.hasOwn(this.schemas, desc.typeName)) {
      this.schemas[desc.typeName] = {};
      this.schemas[desc.typeName] = this.object(desc);
    }
    return ref(desc.typeName);
  }

  private object(desc: DescMessage): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const field of desc.fields) {
      const comment = this.protos.comment(field);
      if (isRequired(comment)) required.push(field.jsonName);
      const of = field.oneof
        ? `At most one of ${field.oneof.fields.map((one) => `\`${one.jsonName}\``).join(", ")}. `
        : "";
      properties[field.jsonName] = described(`${of}${comment}`, this.field(field, rulesAt(field)));
    }
    return {
      type: "object",
      ...(this.protos.comment(desc) && { description: this.protos.comment(desc) }),
      ...(required.length > 0 && { required }),
      properties,
    };
  }

  private field(field: DescField, rules: MemberRules): Schema {
    // The rules of a message that stands for a list are about the list.
    const own = field.fieldKind === "message" ? undefined : rules;
    if (field.fieldKind === "list") return { type: "array", items: this.value(field, own?.items), ...boundsOf(own) };
    if (field.fieldKind === "map") {
      return { type: "object", additionalProperties: this.value(field, own?.items), ...boundsOf(own) };
    }
    return this.value(field, own);
  }

  private value(field: DescField, rules: MemberRules | undefined): Schema {
    const own = field.message && OWN_JSON[field.message.typeName];
    if (own) return own;
    if (field.message) return field.message.typeName === STRUCT ? { type: "object" } : this.of(field.message);
    if (field.enum) return this.enum(field.enum);
    const scalar = field.scalar!;
    if (scalar === ScalarType.STRING) return { type: "string", ...boundsOf(rules) };
    if (scalar === ScalarType.BOOL) return { type: "boolean" };
    if (INTEGERS.has(scalar)) return { type: "integer", ...boundsOf(rules) };
    // JSON's numbers are not wide enough for 64 bits, nor do they have NaN.
    if (LONGS.has(scalar)) return { type: ["string", "integer"] };
    return {
      anyOf: [
        { type: "number", ...boundsOf(rules) },
        { type: "string", enum: ["NaN", "Infinity", "-Infinity"] },
      ],
    };
  }

  private enum(desc: DescEnum): Schema {
    this.schemas[desc.typeName] ??= described(this.protos.comment(desc), {
      type: "string",
      enum: desc.values.map((one) => one.name),
    });
    return ref(desc.typeName);
  }
}

/** Messages of protobuf's that stand for JSON as it is. */
const OWN_JSON: Readonly<Record<string, Schema>> = {
  "google.protobuf.Value": {},
  "google.protobuf.ListValue": { type: "array", items: {} },
  "google.protobuf.Timestamp": { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}T[0-9:.]+(Z|[+-]\\d{2}:\\d{2})$" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?\\d+(\\.\\d+)?s$" },
  "google.protobuf.FieldMask": { type: "string", description: "Paths in camelCase, joined by commas." },
};

/** The path of a method, for Connect and gRPC alike. */
export function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
