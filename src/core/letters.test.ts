import { expect, it } from "vitest";
import { Letters } from "./letters.ts";

it.each([100, 8 * 1024, 8 * 1024 + 1, 50_000])("cuts any piece out of %d bytes, in any order", (size) => {
  const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  const letters = new Letters(bytes);
  let at = 1;
  for (let i = 0; i < 2000; i++) {
    at = (Math.imul(at, 1103515245) + 12345) & 0x7fffffff;
    const start = (at >> 8) % size;
    const end = Math.min(size, start + [0, 1, 20, 1024, 1025, 9000][i % 6]!);
    expect(letters.slice(start, end)).toBe(bytes.toString("latin1", start, end));
  }
});
