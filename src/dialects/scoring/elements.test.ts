import { expect, it } from "vitest";
import { elements } from "./elements.ts";

const read = (text: string) => elements(Buffer.from(text))?.map(String);

it.each([
  ["[]", []],
  [" [ ] ", []],
  ["[1, -2.50 ,NaN]", ["1", "-2.50", "NaN"]],
  ['[[1, 2], {"a": [3, "]"]}, "x\\\\", "\\",["]', ["[1, 2]", '{"a": [3, "]"]}', '"x\\\\"', '"\\",["']],
  ['["東", null]', ['"東"', "null"]],
])("the values of %s are %j", (text, wanted) => {
  expect(read(text)).toEqual(wanted);
});

it.each(["", "1", '"[1]"', '{"a": [1]}', "[1", "[1, ]", "[, 1]", "[1] 2", "2 [1]", "[1}", '["a]'])(
  "%s is no list",
  (text) => {
    expect(read(text)).toBeUndefined();
  },
);
