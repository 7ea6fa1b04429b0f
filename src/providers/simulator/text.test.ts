import { describe, expect, it } from "vitest";
import { endText, inTurn, modelLabel, piecesOf } from "./text.ts";
import { countTokens } from "./tokens.ts";

const WORDS = "A streamed text comes in pieces of a few words, and none of them cuts an ordinary word in half. ".repeat(
  20,
);

describe("the pieces of a stream", () => {
  it("make up the text, are a few words each, and begin where a word does", () => {
    const pieces = [...piecesOf(WORDS, "a")];
    expect(pieces.join("")).toBe(WORDS);
    for (const piece of pieces.slice(1)) expect(piece).toMatch(/^[ ,.]/);
    const sizes = pieces.slice(0, -1).map(countTokens);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(12);
    expect(new Set(sizes).size).toBeGreaterThan(3);
  });

  it("cut a text that has no spaces, and an empty one has none", () => {
    const pieces = [...piecesOf("東京".repeat(100), "a")];
    expect(pieces.join("")).toBe("東京".repeat(100));
    expect(pieces.length).toBe(5);
    expect([...piecesOf("", "a")]).toEqual([]);
  });

  it("are decided by the seed", () => {
    expect([...piecesOf(WORDS, "a")]).toEqual([...piecesOf(WORDS, "a")]);
    expect([...piecesOf(WORDS, "a")]).not.toEqual([...piecesOf(WORDS, "b")]);
  });
});

describe("the end of a text", () => {
  it.each([
    ["nothing ends it", [], 99, "one two three", "stop"],
    ["the earliest stop text", ["three", " two"], 99, "one", "stop"],
    ["a stop text at the start", ["one"], 99, "", "stop"],
    ["as many tokens as it has", [], 4, "one two three", "stop"],
    ["fewer tokens than it has", [], 1, "one", "length"],
    ["no tokens", [], 0, "", "length"],
    ["a stop text before the last token allowed", [" two"], 1, "one", "stop"],
  ])("comes with %s", (_name, stops, most, text, finish) => {
    expect(endText("one two three", stops, most)).toEqual({ text, finish, tokens: countTokens(text) });
  });
});

it("takes from each row in turn, until all are at their end", () => {
  expect([...inTurn([[1, 4, 6], [2], [3, 5]].map((row) => row.values()))]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...inTurn([])]).toEqual([]);
});

it("says of every model that it is none", () => {
  expect(["", "simulator", "simulator-a", "gpt-4o", undefined, 4].map(modelLabel)).toEqual([
    "simulator",
    "simulator",
    "simulator-a",
    "simulator/gpt-4o",
    "simulator",
    "simulator",
  ]);
});
