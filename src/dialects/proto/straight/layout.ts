import { type DescField, type DescMessage, type DescOneof, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { bareField } from "../fields.ts";
import { enumTexts } from "../scalars.ts";

/** One member of the common shape: a field, or the cases of a oneof that share it. */
export type Part =
  | { readonly kind: "field"; readonly name: string; readonly field: DescField }
  /** Its JSON type tells the case. */
  | { readonly kind: "union"; readonly name: string; readonly fields: readonly DescField[] }
  /** The member `type` tells the case, which is a member of its own. */
  | { readonly kind: "tagged"; readonly name: "type"; readonly fields: readonly DescField[] };

/** What a message is in the common shape, in the order of its fields' numbers. `extra` and `served` are no parts. */
export function partsOf(desc: DescMessage): readonly Part[] {
  const parts = desc.members.filter(({ name }) => name !== "extra" && name !== "served").map(partOf);
  return parts.sort((a, b) => numberOf(a) - numberOf(b));
}

function partOf(member: DescField | DescOneof): Part {
  const { name } = member;
  if (member.kind === "field") return { kind: "field", name, field: member };
  if (name === "type") return { kind: "tagged", name, fields: member.fields };
  return { kind: "union", name, fields: member.fields };
}

function numberOf(part: Part): number {
  return part.kind === "field" ? part.field.number : Math.max(...part.fields.map(({ number }) => number));
}

/** The field in which a message keeps members that it does not know. */
export function extraOf(desc: DescMessage): DescField | undefined {
  return desc.fields.find(({ name }) => name === "extra");
}

/** What a value is. `bare`: a message that is its only field's list or object. */
export type Form = "struct" | "message" | "bare" | "enum" | ScalarType;

/** What the values of a field are; of a list, each of them. */
export function formOf(field: DescField): Form {
  if (field.message) {
    if (field.message.typeName === "google.protobuf.Struct") return "struct";
    return bareField(field.message) ? "bare" : "message";
  }
  return field.enum ? "enum" : field.scalar!;
}

/** Left out on the wire when it is zero, false or empty. */
function isImplicit(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.IMPLICIT && !field.oneof;
}

/** What a field is that nobody set and that has no way to say so. */
export function zeroOf(field: DescField): string | number | false | undefined {
  if (field.fieldKind !== "scalar" || !isImplicit(field)) return undefined;
  if (field.scalar === ScalarType.STRING) return "";
  return field.scalar === ScalarType.BOOL ? false : 0;
}

/** One value of an enum: OpenAI's text, the name in proto's JSON, the number on the wire. */
export interface EnumValue {
  readonly text: string;
  readonly name: string;
  readonly number: number;
}

/** The values of an enum field but for 0, which has no text. */
export function enumValues({ enum: desc }: DescField): readonly EnumValue[] {
  const texts = enumTexts(desc!);
  return desc!.values
    .filter(({ number }) => texts.has(number))
    .map(({ name, number }) => ({ name, number, text: texts.get(number)! }));
}
