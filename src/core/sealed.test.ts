import { expect, it } from "vitest";
import { resealed } from "./sealed.ts";

const again = (sealed: string) => `${sealed}!`;

it("seals anew what is sealed, wherever it stands, and counts it", () => {
  const doc = { a: "sealed:v1:x", b: [{ c: "sealed:v1:y", d: null }, "z", 1], e: "not sealed:v1:w" };
  expect(resealed(doc, again)).toEqual({
    doc: { a: "sealed:v1:x!", b: [{ c: "sealed:v1:y!", d: null }, "z", 1], e: "not sealed:v1:w" },
    count: 2,
  });
  expect(doc.a).toBe("sealed:v1:x");
});

it("gives a doc without sealed texts back as it is", () => {
  const doc = { a: ["b"] };
  expect(resealed(doc, again)).toEqual({ doc, count: 0 });
  expect(resealed(doc, again).doc).toBe(doc);
});
