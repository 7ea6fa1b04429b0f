import { expect, it } from "vitest";
import { includesQuoted, load, MAX_SEARCHED, skipLoaded } from "./skip.ts";
import { skipValue } from "./survey.ts";

function skip(text: string, left = 64): number {
  const bytes = Buffer.from(text);
  load(bytes);
  return skipLoaded(0, bytes.length, left);
}

it("finds the ends that the search in script finds, whatever lies in its memory from before", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % below;
  };
  const parts = [
    '"',
    "\\",
    '\\"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "a",
    " ",
    "\u6771",
    "x".repeat(15),
    "x".repeat(40),
    "\\".repeat(31),
  ];
  for (let n = 0; n < 50_000; n++) {
    let text = ['"', "{", "["][random(3)]!;
    for (let i = random(24); i >= 0; i--) text += parts[random(parts.length)]!;
    const left = 1 + random(4);
    expect([text, left, skip(text, left)]).toEqual([text, left, skipValue(Buffer.from(text), 0, left)]);
  }
});

it("finds a key wherever it stands, and nothing that is cut or spelt otherwise", () => {
  const key = Buffer.from('"error"');
  const holds = (text: string) => includesQuoted(Buffer.from(text), key);
  const prose = '"other" "erro" "error\\" '.repeat(100);
  expect(holds(prose)).toBe(false);
  for (let at = 0; at < 40; at++) {
    const text = `${"x".repeat(at)}${prose}${"y".repeat(at)}"error"`;
    expect([holds(text), holds(text.slice(0, -1)), holds(text.slice(0, -3))]).toEqual([true, false, false]);
    expect([holds(`${"x".repeat(at)}"error"${prose}`), holds(`${text}${"z".repeat(at)}`)]).toEqual([true, true]);
  }
});

it("does not read past the end, wherever a string or a list is cut", () => {
  const whole = `{"a":["${"b".repeat(30)}\\"${"c".repeat(30)}",{}],"d":"\\\\"}`;
  expect(skip(whole)).toBe(whole.length);
  for (let end = 1; end < whole.length; end++) {
    load(Buffer.from(whole));
    expect(skipLoaded(0, end, 64)).toBe(-1);
  }
});

it("begins anywhere, and takes a text of the greatest length", () => {
  const text = `[1,"${"y".repeat(MAX_SEARCHED - 5)}"`;
  load(Buffer.from(text));
  expect(skipLoaded(3, text.length, 1)).toBe(text.length);
  expect(skipLoaded(0, text.length, 1)).toBe(-1);
});
