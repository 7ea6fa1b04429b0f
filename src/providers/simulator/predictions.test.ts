import { expect, it } from "vitest";
import { answer } from "./answer.ts";
import { INVOCATIONS } from "./predictions.ts";

function ask(body: string, type = "application/json") {
  const asked = { path: INVOCATIONS, headers: ["content-type", type], body: Buffer.from(body) };
  const { status, chunks } = answer(asked, "", 0);
  return { status, json: JSON.parse(Buffer.concat([...chunks]).toString()) as { predictions?: number[] } };
}

it.each([
  '{"instances": [[1, 2], [3, 4], [1, 2]]}',
  '{"inputs": [[1, 2], [3, 4], [1, 2]]}',
  '{"inputs": {"a": [1, 3, 1], "b": [2, 4, 2]}, "params": {}}',
  '{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4], [1, 2]]}}',
])("a row has its own number, in whatever form it comes and beside whatever else: %s", (body) => {
  const { status, json } = ask(body);
  expect([status, json]).toEqual([200, { predictions: [0.287693, 0.546491, 0.287693] }]);
});

it.each([
  ['{"dataframe_records": [{"a": 1}, {"a": 2}]}', "application/json"],
  ["a,b\n1,2\n3,4\n", "text/csv"],
])("there is a number for each row of %s", (body, type) => {
  const { predictions } = ask(body, type).json;
  expect(predictions).toHaveLength(2);
  expect(predictions!.every((one) => one >= 0 && one <= 1)).toBe(true);
});

it.each(['{"inputs": 1}', '{"inputs": {"a": [1], "b": [1, 2]}}', '{"dataframe_split": {}}'])(
  "%s is refused",
  (body) => {
    expect(ask(body).status).toBe(400);
  },
);
