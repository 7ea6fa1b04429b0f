import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { Refusal } from "./request.ts";

/** Where predictions are asked for, as of MLflow's model server. */
export const INVOCATIONS = "/invocations";

/**
 * One number from 0 to 1 for each row of the input, which the row alone decides, whatever stands beside it. Throws `Refusal`.
 *
 * @param request In one of the forms of MLflow's model server.
 */
export function predictionsReply(request: JsonObject): JsonObject {
  return { predictions: rowsOf(request).map(numberOf) };
}

/** The same of a table as CSV, whose first line names its columns. */
export function csvReply(text: string): JsonObject {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  return { predictions: lines.slice(1).filter(Boolean).map(numberOf) };
}

function rowsOf({
  inputs,
  instances,
  dataframe_split: split,
  dataframe_records: records,
}: JsonObject): readonly Json[] {
  const rows = isObject(split) ? split["data"] : (records ?? instances ?? inputs);
  if (Array.isArray(rows)) return rows;
  // Tensors by name: a row is what stands at the same place in each.
  const columns = isObject(rows) ? Object.values(rows) : [];
  const [first] = columns;
  if (!Array.isArray(first) || !columns.every((one) => Array.isArray(one) && one.length === first.length)) {
    throw new Refusal("The input must be a list of rows, or lists of the same length by their names.", null);
  }
  return first.map((_, at) => columns.map((column) => (column as Json[])[at]!));
}

function numberOf(row: Json): number {
  const drawn = createHash("sha256").update(JSON.stringify(row)).digest().readUInt32BE() / 2 ** 32;
  return Math.round(drawn * 1e6) / 1e6;
}
