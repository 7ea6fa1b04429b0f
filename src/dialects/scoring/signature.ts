import type { Body } from "../../core/body.ts";
import { asGatewayError, errors } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject, objectIn, textIn } from "../../core/json.ts";
import { formOf } from "./request.ts";

/** A column of a model's input. */
interface Column {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
}

/** The columns that a model wants, by the signature that it was logged with. */
export type Signature = readonly Column[];

/**
 * Reads the inputs of a signature. `undefined`: there are none with names, as for a lone tensor; nothing is checked then.
 *
 * @param text JSON as it stands in the file `MLmodel`.
 * @see https://mlflow.org/docs/latest/ml/model/signatures/
 */
export function readSignature(text: string | undefined): Signature | undefined {
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(json) || json.length === 0) return undefined;
  const columns = json.map((one: Json): Column | undefined => {
    const { name, type, required, optional } = objectIn(one);
    if (typeof name !== "string") return undefined;
    return { name, type: textIn(type), required: required !== false && optional !== true };
  });
  return columns.every((one) => one !== undefined) ? columns : undefined;
}

/**
 * Throws FIELD_INVALID, naming the column, for an input that lacks one that the model needs or holds what cannot be its type.
 * What it does not see, the model server judges: other forms of input, columns that nobody asked for, finer types.
 *
 * @param firstRow Of a part of a request: how many of its rows stand before.
 */
export function checkInput(signature: Signature, body: Body, firstRow = 0): void {
  if (body.csv) {
    checkHeader(signature, body.bytes);
    return;
  }
  const form = formOf(body);
  let value: Json | undefined;
  try {
    value = body.peek(form);
  } catch (thrown) {
    // Python's JSON has NaN and infinities, which ours has not: the server reads them.
    if (asGatewayError(thrown).fault.reason === "BODY_MALFORMED" && PYTHONS.test(body.bytes.toString())) return;
    throw thrown;
  }
  if (form === "dataframe_split") checkSplit(signature, objectIn(value), firstRow);
  else if (form === "inputs" && isObject(value)) {
    const columns = value;
    need(signature, (name) => Object.hasOwn(columns, name), form);
    for (const column of signature) {
      const cells = columns[column.name];
      if (!Array.isArray(cells)) continue;
      for (const [row, cell] of cells.entries()) checkCell(column, cell, `${form}.${column.name}[${row}]`);
    }
  } else if (Array.isArray(value)) {
    for (const [at, row] of value.entries()) if (isObject(row)) checkRow(signature, row, `${form}[${firstRow + at}]`);
  }
}

const PYTHONS = /\b(?:NaN|Infinity)\b/;

function checkSplit(signature: Signature, { columns, data }: JsonObject, firstRow: number): void {
  if (!Array.isArray(columns) || !Array.isArray(data)) return;
  need(signature, (name) => columns.includes(name), "dataframe_split.columns");
  for (const column of signature) {
    const at = columns.indexOf(column.name);
    if (at < 0) continue;
    for (const [row, cells] of data.entries()) {
      if (Array.isArray(cells)) checkCell(column, cells[at], `dataframe_split.data[${firstRow + row}][${at}]`);
    }
  }
}

function checkRow(signature: Signature, row: JsonObject, path: string): void {
  need(signature, (name) => Object.hasOwn(row, name), path);
  for (const column of signature) checkCell(column, row[column.name], `${path}.${column.name}`);
}

/** Plain names in the first line; quotes around them are read past, and a line with other quotes is left to the server. */
function checkHeader(signature: Signature, bytes: Buffer): void {
  const [line = ""] = bytes
    .toString()
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/, 1);
  const names = line.split(",").map((name) => name.replace(/^"([^"]*)"$/, "$1"));
  if (names.some((name) => name.includes('"'))) return;
  need(signature, (name) => names.includes(name), "header");
}

function need(signature: Signature, has: (name: string) => boolean, field: string): void {
  const missing = signature.filter(({ name, required }) => required && !has(name));
  if (missing.length === 0) return;
  const named = missing.map(({ name, type }) => `${JSON.stringify(name)} (${type})`).join(", ");
  const what = missing.length === 1 ? `the column ${named} is missing` : `the columns ${named} are missing`;
  throw errors.fieldInvalid([{ field, description: `${what}; the model's signature needs it` }]);
}

const NUMBERS: ReadonlySet<string> = new Set(["double", "float", "integer", "long"]);
const SCALARS: ReadonlySet<string> = new Set([...NUMBERS, "boolean", "string"]);

/** What MLflow would not cast to the column's type either: a text that is no number, a list or object for a single value. */
function checkCell({ name, type }: Column, cell: Json | undefined, field: string): void {
  if (cell === undefined || cell === null || !SCALARS.has(type)) return;
  const nested = typeof cell === "object";
  const text = NUMBERS.has(type) && typeof cell === "string" && !isNumber(cell);
  if (!nested && !text) return;
  const has = Array.isArray(cell) ? "a list" : nested ? "an object" : "a text";
  throw errors.fieldInvalid([
    {
      field,
      description: `the column ${JSON.stringify(name)} is of type ${type} in the model's signature, and this is ${has}`,
    },
  ]);
}

const isNumber = (text: string) =>
  (text.trim() !== "" && Number.isFinite(Number(text))) || /^\s*[-+]?(?:nan|inf(?:inity)?)\s*$/i.test(text);
