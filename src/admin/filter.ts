import { errors } from "../core/errors.ts";

/** What a resource has under a field's name; several values when it has several. */
export type FieldValues = readonly string[];

/** Reads a field of a resource. */
export type FieldReader<Resource> = (resource: Resource, field: string) => FieldValues;

interface Comparison {
  readonly field: string;
  readonly op: "=" | "!=" | ":";
  readonly value: string;
}

const COMPARISON = /\s*([A-Za-z_][\w./-]*)\s*(!=|=|:)\s*("(?:[^"\\]|\\.)*"|[^\s"()]+)/y;
const AND = /\s+AND\s+(?=\S)/y;

/**
 * The part of AIP-160 that the protos name: comparisons by `=`, `!=` and `:` joined by `AND`; a `*` at the end of a value stands
 * for whatever follows. Empty: everything. Throws FIELD_INVALID for what it cannot read and for fields that there are not.
 *
 * @param fields Their names; one that ends in `.*` stands for all that begin so.
 * @see https://google.aip.dev/160
 */
export function readFilter<Resource>(
  text: string,
  fields: readonly string[],
  read: FieldReader<Resource>,
): (resource: Resource) => boolean {
  const comparisons = comparisonsOf(text, fields);
  return (resource) => comparisons.every((one) => holds(one, read(resource, one.field)));
}

function comparisonsOf(text: string, fields: readonly string[]): Comparison[] {
  const found: Comparison[] = [];
  let at = 0;
  while (text.slice(at).trim() !== "") {
    if (found.length > 0) at = matched(AND, text, at, "want AND")[1];
    const [[, field, op, value], end] = matched(COMPARISON, text, at, 'want a comparison such as name = "chat"');
    if (!fields.some((one) => one === field || (one.endsWith(".*") && field!.startsWith(one.slice(0, -1)))))
      throw unreadable(`there is no field ${field}; want one of ${fields.join(", ")}`);
    found.push({ field: field!, op: op as Comparison["op"], value: plain(value!) });
    at = end;
  }
  return found;
}

function matched(pattern: RegExp, text: string, at: number, want: string): [RegExpExecArray, number] {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (!found) throw unreadable(`${want} at character ${at + 1}`);
  return [found, pattern.lastIndex];
}

const unreadable = (description: string) => errors.fieldInvalid([{ field: "filter", description }]);

const plain = (value: string): string =>
  value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, "$1") : value;

function holds({ op, value }: Comparison, values: FieldValues): boolean {
  if (op === ":") return values.some((one) => one.toLowerCase().includes(value.replace(/\*$/, "").toLowerCase()));
  const among = value.endsWith("*")
    ? values.some((one) => one.startsWith(value.slice(0, -1)))
    : values.includes(value) || (value === "" && values.length === 0);
  return op === "=" ? among : !among;
}
