import { describe, expect, it } from "vitest";
import { Body } from "./body.ts";
import { bytesText } from "./parts.ts";

const of = (text: string) => Body.ofBytes(Buffer.from(text));

describe("Body", () => {
  it("keeps what nobody reads byte for byte when a member is replaced", () => {
    const body = of('{ "model" : "chat", "x":  1.0, "n":10000000000000000001 }');
    body.set("model", "gpt-4o");
    expect(body.bytes.toString()).toBe('{ "model" : "gpt-4o", "x":  1.0, "n":10000000000000000001 }');
  });

  it("puts a new member first, into an empty object too", () => {
    const body = of('{"a":1}');
    body.set("b", [2]);
    body.set("a", "longer than before");
    body.set("b", 3);
    expect(body.bytes.toString()).toBe('{"b":3,"a":"longer than before"}');
    const empty = of("{}");
    empty.set("a", 1);
    expect(empty.bytes.toString()).toBe('{"a":1}');
    expect(empty.peek("a")).toBe(1);
  });

  it("gives the same values whether they are peeked at or parsed, before and after a change", () => {
    const body = of('{"a":{"b":[1,2]},"c":"é"}');
    expect(body.peek("a")).toEqual({ b: [1, 2] });
    expect(body.json["c"]).toBe("é");
    body.set("c", "ü");
    expect(body.json["c"]).toBe("ü");
    expect(body.peek("c")).toBe("ü");
    expect(JSON.parse(body.bytes.toString())).toEqual({ a: { b: [1, 2] }, c: "ü" });
    expect(body.peek("toString")).toBeUndefined();
  });

  it("sends a repeated key as it was read, so that one route is not another upstream", () => {
    const body = of('{"model":"a","model":"b"}');
    expect(body.peek("model")).toBe("b");
    expect(body.bytes.toString()).toBe('{"model":"b"}');
  });

  it("reads an escaped key as its letters", () => {
    const body = of('{"mod\\u0065l":"a"}');
    expect(body.peek("model")).toBe("a");
    body.set("model", "b");
    expect(body.bytes.toString()).toBe('{"model":"b"}');
  });

  it("takes no notice of a byte order mark", () => {
    const body = of('\uFEFF{"model":"a","x":1}');
    expect(body.peek("model")).toBe("a");
    body.set("model", "b");
    expect(body.bytes.toString()).toBe('{"model":"b","x":1}');
    expect(of('\uFEFF{"x":1}').json).toEqual({ x: 1 });
  });

  it("refuses bytes that are not UTF-8 before anybody reads them, and says where they stand", () => {
    const bytes = Buffer.concat([Buffer.from('{"model":"chat","é":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    for (const read of [
      (body: Body) => body.json,
      (body: Body) => body.peek("model"),
      (body: Body) => body.keys(),
      (body: Body) => body.bytes,
    ])
      expect(() => read(Body.ofBytes(bytes))).toThrow(
        expect.objectContaining({
          message: "The body is not UTF-8: byte 22 is no part of a character.",
          fault: { reason: "BODY_MALFORMED" },
        }),
      );
    expect(Body.ofReply(bytes).bytes).toBe(bytes);
  });

  it("is put together of members once, whatever is read or set before", () => {
    const parts = () =>
      Body.ofMembers([
        ["a", Buffer.from('{"x": "\u6771"}')],
        ["\u00e9", bytesText("\u00e9")],
      ]);
    const body = parts();
    body.set("model", "m");
    body.set("\u00e9", 1);
    expect(body.bytes.toString()).toBe('{"model":"m","a":{"x": "\u6771"},"\u00e9":1}');
    body.set("a", [2]);
    expect(body.bytes.toString()).toBe('{"model":"m","a":[2],"\u00e9":1}');
    expect(parts().json).toEqual({ a: { x: "\u6771" }, "\u00e9": "\u00e9" });
    expect(parts().peek("a")).toEqual({ x: "\u6771" });
    expect(parts().slice("a")?.toString()).toBe('{"x": "\u6771"}');
    expect(parts().size).toBe(parts().bytes.length);
    expect(Body.ofMembers([]).bytes.toString()).toBe("{}");
    expect(Body.ofMembers([]).keys()).toEqual([]);
  });

  it("does not touch a prototype", () => {
    const body = of('{"__proto__":{"polluted":1},"a":1}');
    expect(body.peek("polluted")).toBeUndefined();
    body.set("a", 2);
    expect(body.bytes.toString()).toBe('{"__proto__":{"polluted":1},"a":2}');
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each([
    ["", "not valid JSON: it is empty."],
    ['{"a":tru}', "not valid JSON: want a value at byte 5."],
    ['{"é":"日",x}', "not valid JSON: want a name in double quotes, or a closing brace at byte 12."],
    ['{"a":1', "not valid JSON: it ends where a comma or a closing bracket should stand."],
    ["notjson", "not valid JSON: want a value at byte 0."],
    ["[1]", "must be one JSON object"],
    ["null", "must be one JSON object"],
    [`{"a":${"[".repeat(100_000)}`, "nested deeper than 64"],
  ])("refuses %.20s as BODY_MALFORMED and does not repeat it", (text, words) => {
    expect(() => of(text).json).toThrow(
      expect.objectContaining({ message: expect.stringContaining(words), fault: { reason: "BODY_MALFORMED" } }),
    );
  });
});
