import type { Value } from "@bufbuild/protobuf/wkt";
import type { PredictRequest, Table } from "../../../../gen/polygate/v1/predictions_pb.js";
import { doubleText, rowTexts, tensorText, wrong } from "./tensor.ts";

/** A request in the form of MLflow's model server, as JSON text. Throws FIELD_INVALID for what does not fit together. */
export function scoringText({ input, params }: PredictRequest): string {
  const parts = [formText(input)];
  if (params !== undefined) parts.push(`"params":${JSON.stringify(params)}`);
  return `{${parts.join(",")}}`;
}

function formText(input: PredictRequest["input"]): string {
  switch (input.case) {
    case "tensor":
      return `"inputs":${tensorText(input.value, "tensor")}`;
    case "tensors": {
      const named = Object.entries(input.value.tensors);
      const texts = named.map(
        ([name, one]) => `${JSON.stringify(name)}:${tensorText(one, `tensors.tensors["${name}"]`)}`,
      );
      return `"inputs":{${texts.join(",")}}`;
    }
    case "records":
      return `"dataframe_records":${JSON.stringify(input.value.records)}`;
    case "table":
      return `"dataframe_split":${tableText(input.value)}`;
    case "instances":
      return `"instances":[${input.value.values.map(valueText).join(",")}]`;
    default:
      return `"inputs":[]`;
  }
}

function tableText({ columns }: Table): string {
  const all = columns.map((column, at) => rowTexts(column, `table.columns[${at}]`));
  const rows = all[0]!.length;
  const uneven = all.findIndex((one) => one.length !== rows);
  if (uneven >= 0) {
    const { name } = columns[uneven]!;
    const why = `the column ${JSON.stringify(name)} has ${all[uneven]!.length} rows, and the first one has ${rows}`;
    throw wrong(`table.columns[${uneven}].values`, why);
  }
  const data = Array.from({ length: rows }, (_, row) => `[${all.map((one) => one[row]!).join(",")}]`);
  return `{"columns":${JSON.stringify(columns.map(({ name }) => name))},"data":[${data.join(",")}]}`;
}

/** Numbers are doubles there, and a whole one is written as such: the sender could not say which it meant. */
function valueText({ kind }: Value): string {
  switch (kind.case) {
    case "numberValue":
      return Number.isInteger(kind.value) ? JSON.stringify(kind.value) : doubleText(kind.value);
    case "stringValue":
    case "boolValue":
      return JSON.stringify(kind.value);
    case "listValue":
      return `[${kind.value.values.map(valueText).join(",")}]`;
    case "structValue":
      return `{${Object.entries(kind.value.fields)
        .map(([name, value]) => `${JSON.stringify(name)}:${valueText(value)}`)
        .join(",")}}`;
    default:
      return "null";
  }
}
