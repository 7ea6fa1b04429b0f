import { describe, expect, it } from "vitest";
import { countTokens, firstTokens, tokensOf } from "./tokens.ts";

describe("the simulator's tokens", () => {
  it("are words of up to four letters with the space before them, and single signs", () => {
    expect([...tokensOf("Hello, my dear   world!\n")]).toEqual([
      "Hell",
      "o",
      ",",
      " my",
      " dear",
      "  ",
      " worl",
      "d",
      "!",
      "\n",
    ]);
  });

  it.each([
    "",
    " ",
    "          x",
    "a\n\n\n\n\n\nb   ",
    "Blåbærgrød: naïve café, 東京 and 👩‍🚀 fly 🚀🚀🚀🚀🚀.",
    "\ud800 lone \udc00",
    '{"a":[1,2.5]}',
  ])("make up the text %j again, are counted right, and are never half a character", (text) => {
    const tokens = [...tokensOf(text)];
    expect(tokens.join("")).toBe(text);
    expect(countTokens(text)).toBe(tokens.length);
    for (let count = 0; count <= tokens.length + 1; count++) {
      expect(firstTokens(text, count)).toBe(tokens.slice(0, count).join(""));
    }
    if (text.isWellFormed()) expect(tokens.filter((token) => !token.isWellFormed())).toEqual([]);
  });

  it("stay the same when the text is cut between two of them", () => {
    const text = "one two    three  four, five\n\n\n\n\n six";
    const tokens = [...tokensOf(text)];
    for (let cut = 0; cut <= tokens.length; cut++) {
      const parts = [tokens.slice(0, cut).join(""), tokens.slice(cut).join("")];
      expect(parts.flatMap((part) => [...tokensOf(part)])).toEqual(tokens);
    }
  });
});
