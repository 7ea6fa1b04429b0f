import { describe, expect, it } from "vitest";
import { Body } from "../../core/body.ts";
import { checkInput, readSignature } from "./signature.ts";

/** As MLflow writes it. */
const IRIS = JSON.stringify([
  { type: "double", name: "width", required: true },
  { type: "long", name: "count", required: true },
  { type: "string", name: "label", required: false },
  { type: "array", items: { type: "double" }, name: "tags", required: false },
]);
const signature = readSignature(IRIS)!;

function refusal(body: Body): string | undefined {
  try {
    checkInput(signature, body);
    return undefined;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}
const json = (text: string) => refusal(Body.ofBytes(Buffer.from(text)));

describe("an input", () => {
  it.each([
    '{"dataframe_records": [{"width": 1, "count": 2}, {"width": "1.5", "count": null, "label": "a", "tags": [1]}]}',
    '{"dataframe_split": {"columns": ["count", "width", "more"], "data": [[1, 2.5, {}]]}}',
    '{"inputs": {"width": [1.5], "count": [2]}}',
    '{"inputs": [[1, 2]]}',
    '{"instances": [{"width": true, "count": 1}]}',
    '{"dataframe_records": [{"width": NaN, "count": 2}]}',
    '{"dataframe_records": [{"width": "nan", "count": "-inf"}]}',
  ])("that the model can take goes on: %s", (text) => {
    expect(json(text)).toBeUndefined();
  });

  it.each([
    [
      '{"dataframe_records": [{"width": 1, "count": 2}, {"width": 1}]}',
      'dataframe_records[1]: the column "count" (long) is missing',
    ],
    [
      '{"dataframe_split": {"columns": ["label"], "data": []}}',
      'dataframe_split.columns: the columns "width" (double), "count" (long) are missing',
    ],
    [
      '{"dataframe_split": {"columns": ["count", "width"], "data": [[1, 2], [1, "x"]]}}',
      'dataframe_split.data[1][1]: the column "width" is of type double',
    ],
    ['{"inputs": {"width": [1]}}', 'inputs: the column "count" (long) is missing'],
    [
      '{"inputs": {"width": [1, [2]], "count": [1, 2]}}',
      'inputs.width[1]: the column "width" is of type double in the model\'s signature, and this is a list',
    ],
    ['{"instances": [{"width": 1, "count": "two"}]}', 'instances[0].count: the column "count" is of type long'],
    ['{"dataframe_records": [{"width": 1, "count": 1, "label": {}}]}', "and this is an object"],
  ])("that it cannot take is refused by its column: %s", (text, words) => {
    expect(json(text)).toContain(words);
  });

  it.each([
    ["width,count\n1,2\n", undefined],
    ['\uFEFF"count","width"\r\n1,2', undefined],
    ['"a ""b""",count\n1,2', undefined],
    ["width\n1\n", 'header: the column "count" (long) is missing'],
  ])("in CSV is judged by its first line: %j", (text, words) => {
    const told = refusal(Body.ofCsv(Buffer.from(text)));
    if (words === undefined) expect(told).toBeUndefined();
    else expect(told).toContain(words);
  });

  it("that is broken JSON is refused as such", () => {
    expect(json('{"inputs": [1,}]}')).toContain("not valid JSON");
  });
});

it.each([
  undefined,
  "",
  "{}",
  "[]",
  '[{"type": "double"}]',
  '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}]',
])("a signature without named columns checks nothing: %j", (text) => {
  expect(readSignature(text)).toBeUndefined();
});
