import { expect, it } from "vitest";
import { Alike } from "./alike.ts";

const event = (content: string, more = "") =>
  `{"id":"1","choices":[{"delta":{"content":"${content}"},"finish_reason":null}],"usage":null${more}}`;

function taught(text: string): Alike {
  const alike = new Alike();
  alike.learn(text, JSON.parse(text));
  return alike;
}

it("knows the next pieces of a text", () => {
  const alike = taught(event(" a"));
  for (const piece of ["", " b", "\u6771\u4eac", "a".repeat(1000), "{}[],:"])
    expect(alike.knows(event(piece))).toBe(true);
});

it.each([
  event('a\\"b'),
  event('a"b'),
  event("a\\nb"),
  event("a\nb"),
  event("a", ',"error":{}'),
  event("a").slice(0, -1),
  event("a").slice(1),
  event("a").replace('"1"', '"2"'),
  event("a").replace("null}]", '"stop"}]'),
  '{"error":{"message":"no"}}',
  "",
])("does not know %s", (text) => {
  expect(taught(event(" a")).knows(text)).toBe(false);
});

it.each([
  event("a", ',"error":null'),
  event("a").replace("null}]", '"stop"}]'),
  event("a").replace('"usage":null', '"usage":{"total_tokens":1}'),
  event('a\\"b'),
  '{"choices":[{"delta":{"role":"assistant"}}]}',
])("learns nothing of %s", (text) => {
  expect(taught(text).knows(text)).toBe(false);
});

it("never takes for JSON what JSON.parse does not read, and reads the same of it but for one string", () => {
  // The mark within a key and within a value, and before what looks like its end.
  const base = '{"a\\"content":"x","b":"\\"content\\":\\"","c":{"content":"y"},"content":"z"}';
  const alike = taught(base);
  const parts = ["x", '"', "\\", "}", ",", ":", '"content":"', "\n"];
  for (let at = 0; at <= base.length; at++) {
    for (const part of parts) {
      for (const text of [base.slice(0, at) + part + base.slice(at), base.slice(0, at) + part + base.slice(at + 1)]) {
        if (!alike.knows(text)) continue;
        const json = JSON.parse(text) as object;
        expect({ ...json, 'a"content': "x" }).toEqual(JSON.parse(base));
      }
    }
  }
});
