import { expect, it } from "vitest";
import { firstBadByte, mistakeIn, mistakeWords } from "./mistake.ts";

it.each([
  ["notjson", "value", 0],
  ["[1,]", "value", 3],
  ['{"a":}', "value", 5],
  ["{a:1}", "name", 1],
  ['{"a":1,}', "name", 7],
  ['{"a" 1}', "colon", 5],
  ['{"a":1 "b":2}', "comma", 7],
  ["[1 2]", "comma", 3],
  ["[1}", "comma", 2],
  ["[01]", "comma", 2],
  ["{} {}", "extra", 3],
  ['{"a":"b', "unterminated", 5],
  ['["a\nb"]', "control", 3],
  ['["a\\x"]', "escape", 3],
  ['["\\u12"]', "escape", 2],
  ['["\\', "unterminated", 1],
  ["", "value", 0],
])("the first mistake of %j is %s at %i", (text, flaw, at) => {
  expect(mistakeIn(text)).toEqual({ flaw, at });
});

it("finds a mistake exactly where JSON.parse does not read the text", () => {
  const good = ' {"a" : [1, -2.5e+3, "x\\u00e9\\n", {}, [], null], "é": {"b": true, "c": false}, "d": 0} ';
  const texts = [good];
  for (let at = 0; at < good.length; at++) {
    for (const put of ["", '"', ",", "]", "}", "{", "[", ":", "0", "\\", "\n", "x"]) {
      texts.push(good.slice(0, at) + put + good.slice(at + 1), good.slice(0, at) + put + good.slice(at));
    }
    texts.push(good.slice(0, at));
  }
  const reads = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  expect(texts.filter((text) => reads(text) !== (mistakeIn(text) === undefined))).toEqual([]);
});

it("takes a moment for the longest bodies and the deepest nesting", () => {
  const began = performance.now();
  expect(mistakeIn(`["${"x".repeat(4_000_000)}"`)).toEqual({ flaw: "comma", at: 4_000_003 });
  expect(mistakeIn("[".repeat(1_000_000))).toEqual({ flaw: "value", at: 1_000_000 });
  expect(performance.now() - began).toBeLessThan(2_000);
});

it("is told with its byte, and without a word of the text", () => {
  const words = (text: string) => mistakeWords(Buffer.from(text));
  expect(words('{"é":secret}')).toBe("want a value at byte 6");
  expect(words(" \n")).toBe("it is empty");
  expect(words("{} secret")).toBe("the JSON is over before byte 3");
  expect(words('{"a":"secret')).toBe("the text that begins at byte 5 does not end");
});

it("finds the first byte that is no UTF-8", () => {
  for (const bad of [[0xff], [0xc3], [0xe6, 0x97], [0xc0, 0xaf], [0xed, 0xa0, 0x80]])
    expect(firstBadByte(Buffer.concat([Buffer.from("é1"), Buffer.from(bad), Buffer.from("x")]))).toBe(3);
});
