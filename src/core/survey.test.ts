import { describe, expect, it } from "vitest";
import { survey } from "./survey.ts";

const DEPTH = 64;
const find = (text: string) => {
  const bytes = Buffer.from(text);
  const found = survey(bytes, DEPTH);
  return found.members?.map((one) => [one.key, bytes.subarray(one.start, one.end).toString()]);
};

describe("survey", () => {
  it("finds every top-level member with the bytes of its value, whatever the white space", () => {
    expect(find(' {"a" :1,\n"b":"x,}" , "c":[{"a":2}],"d":{"e":"\\"}"},"f":null}\n')).toEqual([
      ["a", "1"],
      ["b", '"x,}"'],
      ["c", '[{"a":2}]'],
      ["d", '{"e":"\\"}"}'],
      ["f", "null"],
    ]);
  });

  it("finds nothing in an empty object, and that for sure", () => {
    expect(find("{}")).toEqual([]);
    expect(find(" { } ")).toEqual([]);
  });

  it("is unsure of an escaped key, of a repeated one and of what follows the object", () => {
    expect(find('{"mod\\u0065l":1}')).toBeUndefined();
    expect(find('{"a":1,"a":2}')).toBeUndefined();
    expect(find('{"a":1} x')).toBeUndefined();
    expect(find('{"a":1}{"a":2}')).toBeUndefined();
  });

  it.each([
    "",
    "[]",
    "null",
    '"x"',
    "{",
    '{"a"',
    '{"a":',
    '{"a":"',
    '{"a":1',
    '{"a":1,}',
    "{1:2}",
    '{"a" 1}',
    '{"a":1 "b":2}',
  ])("is unsure of %j", (text) => {
    expect(find(text)).toBeUndefined();
  });

  it("jumps over long strings, however their quotes are escaped", () => {
    for (const slashes of [0, 1, 2, 3, 4]) {
      for (const pad of [0, 1, 46, 47, 48, 49, 500]) {
        const text = `${"x".repeat(pad) + "\\\\".repeat(slashes)}\\"${"y".repeat(pad)}`;
        expect(find(`{"a":"${text}","b":2}`)).toEqual([
          ["a", `"${text}"`],
          ["b", "2"],
        ]);
      }
    }
  });

  it("agrees with JSON.parse on random objects", () => {
    let seed = 7;
    const random = (most: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % most;
    };
    const value = (depth: number): unknown => {
      switch (random(depth > 4 ? 4 : 6)) {
        case 0:
          return random(1000) / 7;
        case 1:
          return ["é", '"', "\\", "}", "]", ",", ":", "\n", "日本", ""][random(10)]!.repeat(random(60));
        case 2:
          return null;
        case 3:
          return random(2) === 0;
        case 4:
          return Array.from({ length: random(4) }, () => value(depth + 1));
        default:
          return Object.fromEntries(Array.from({ length: random(4) }, (_, i) => [`k${i}`, value(depth + 1)]));
      }
    };
    for (let i = 0; i < 300; i++) {
      const json = { a: value(0), b: value(0), c: value(0) };
      const found = find(JSON.stringify(json, undefined, random(3)));
      expect(Object.fromEntries(found!.map(([key, text]) => [key, JSON.parse(text!)]))).toEqual(json);
    }
  });

  it("tells of nesting that is too deep, wherever it stands", () => {
    const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(survey(Buffer.from(`{"a":${deep(63)}}`), DEPTH)).toMatchObject({ tooDeep: false });
    expect(survey(Buffer.from(`{"a":${deep(64)}}`), DEPTH)).toMatchObject({ tooDeep: true });
    expect(survey(Buffer.from(`{"a":${"[".repeat(100_000)}`), DEPTH)).toMatchObject({ tooDeep: true });
    expect(survey(Buffer.from("[".repeat(100_000)), DEPTH)).toMatchObject({ tooDeep: true });
    expect(survey(Buffer.from(`{"a":1 ${"[".repeat(100)}`), DEPTH)).toMatchObject({ tooDeep: true });
  });
});
