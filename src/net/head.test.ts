import { describe, expect, it } from "vitest";
import { hasBody, plainLines, unframedLines } from "./head.ts";

const ID = ["x-request-id", "req-1"];

describe("the first lines of an answer", () => {
  it("are its status and its headers, repeats included", () => {
    const text = plainLines(200, ["content-type", "a/b", "x-a", "1", "x-a", "\xe9"], ID);
    expect(text).toBe("HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nx-a: 1\r\nx-a: \xe9\r\nx-request-id: req-1\r\n");
  });

  it("have a word for a status that has none", () => {
    expect(plainLines(599, [], [])).toBe("HTTP/1.1 599 unknown\r\n");
  });

  it.each(["Connection", "content-length", "Transfer-Encoding", "date", "keep-alive", "Trailer", "upgrade"])(
    "are not put together in a hurry with %s, which is left out",
    (name) => {
      for (const [headers, always] of [
        [[name, "close"], ID],
        [ID, [name, "close"]],
      ] as const) {
        expect(plainLines(200, headers, always)).toBeUndefined();
        expect(unframedLines(200, [...headers, ...always])).toBe("HTTP/1.1 200 OK\r\nx-request-id: req-1\r\n");
      }
    },
  );

  it.each([
    ["x-a", "a\r\nset-cookie: b"],
    ["x-a", "a\nb"],
    ["x-a", "\u6771"],
    ["x-a", "a\0"],
    ["x a", "a"],
    ["x-a:b\r\nx", "a"],
    ["", "a"],
  ])("hold no header that cannot be sent: %j: %j", (name, value) => {
    expect(plainLines(200, [name, value], ID)).toBeUndefined();
    expect(plainLines(200, ID, [name, value])).toBeUndefined();
    expect(() => unframedLines(200, [...ID, name, value])).toThrow(TypeError);
  });
});

it("a body belongs to every status but 204 and 304", () => {
  expect([200, 204, 206, 304, 404, 500].filter((status) => !hasBody(status))).toEqual([204, 304]);
});
