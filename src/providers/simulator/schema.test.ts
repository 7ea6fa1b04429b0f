import { describe, expect, it } from "vitest";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { sample } from "./schema.ts";
import { dice } from "./seed.ts";

const NODE: JsonObject = {
  type: "object",
  properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
  required: ["value", "next"],
};

/** A schema, and whether a value fits it. */
const FITS: readonly (readonly [name: string, schema: Json, fits: (value: Json) => boolean])[] = [
  ["a constant", { const: { a: 1 } }, (v) => JSON.stringify(v) === '{"a":1}'],
  ["null as a constant", { const: null }, (v) => v === null],
  ["an enum", { enum: ["c", "f", null] }, (v) => ["c", "f", null].includes(v as string)],
  ["a default", { type: "string", default: "x", pattern: "^x$" }, (v) => v === "x"],
  ["an example", { type: "string", examples: ["ab-1"], pattern: "^[a-z]+-1$" }, (v) => v === "ab-1"],
  ["a short text", { type: "string", maxLength: 3 }, (v) => typeof v === "string" && v.length <= 3],
  ["a long text", { type: "string", minLength: 50 }, (v) => typeof v === "string" && v.length >= 50],
  ["a day", { type: "string", format: "date" }, (v) => /^\d{4}-\d\d-\d\d$/.test(JSON.stringify(v).slice(1, -1))],
  ["an unknown format", { type: "string", format: "constructor" }, (v) => v === "simulated"],
  ["an integer", { type: "integer", minimum: 3, exclusiveMaximum: 5 }, (v) => v === 3 || v === 4],
  ["an integer over a bound", { type: "integer", exclusiveMinimum: 7 }, (v) => Number.isInteger(v) && Number(v) > 7],
  ["an integer under a bound", { type: "integer", maximum: -7 }, (v) => Number.isInteger(v) && Number(v) <= -7],
  ["the older exclusive form", { type: "integer", minimum: 1, maximum: 2, exclusiveMinimum: true }, (v) => v === 2],
  ["a multiple", { type: "integer", multipleOf: 500, minimum: 1 }, (v) => Number(v) > 0 && Number(v) % 500 === 0],
  ["a multiple of a fraction", { type: "number", multipleOf: 0.25 }, (v) => Number(v) % 0.25 === 0],
  [
    "a whole multiple of a fraction",
    { type: "integer", multipleOf: 1.5, minimum: 1 },
    (v) => Number(v) % 3 === 0 && v !== 0,
  ],
  [
    "a number between",
    { type: "number", exclusiveMinimum: 0, maximum: 0.001 },
    (v) => Number(v) > 0 && Number(v) <= 0.001,
  ],
  ["the one number", { type: "number", minimum: 2.5, maximum: 2.5 }, (v) => v === 2.5],
  ["any number there is", { type: "number", minimum: -1.7e308, maximum: 1.7e308 }, (v) => Number.isFinite(v)],
  ["a truth value", { type: "boolean" }, (v) => typeof v === "boolean"],
  ["one of two types", { type: ["null", "boolean"] }, (v) => typeof v === "boolean"],
  ["null", { type: "null" }, (v) => v === null],
  ["anything", {}, (v) => typeof v === "string"],
  ["true", true, (v) => typeof v === "string"],
  ["a list", { type: "array", items: { type: "integer" }, minItems: 3 }, (v) => Array.isArray(v) && v.length === 3],
  [
    "an empty list",
    { type: "array", items: { type: "integer" }, maxItems: 0 },
    (v) => Array.isArray(v) && v.length === 0,
  ],
  ["no items", { type: "array", items: false }, (v) => Array.isArray(v) && v.length === 0],
  ["a tuple", { prefixItems: [{ const: 1 }, { const: 2 }], items: false }, (v) => JSON.stringify(v) === "[1,2]"],
  ["the older tuple", { type: "array", items: [{ const: 1 }, { const: 2 }] }, (v) => JSON.stringify(v) === "[1,2]"],
  ["different texts", { type: "array", uniqueItems: true, minItems: 4, items: { type: "string" } }, isSetOf(4)],
  ["different choices", { type: "array", uniqueItems: true, minItems: 3, items: { enum: [1, 2, 3] } }, isSetOf(3)],
  [
    "an object",
    { type: "object", properties: { a: { const: 1 }, b: {} }, required: ["a"] },
    (v) => isObject(v) && v["a"] === 1,
  ],
  ["a member without a rule", { type: "object", required: ["z"], additionalProperties: { const: 9 } }, has("z", 9)],
  ["properties alone", { properties: { a: { const: 1 } } }, has("a", 1)],
  [
    "a strange name",
    { type: "object", properties: JSON.parse('{"__proto__":{"const":1}}') as Json },
    has("__proto__", 1),
  ],
  ["a reference", { $ref: "#/$defs/a~1b%25", $defs: { "a/b%": { const: 7 } } }, (v) => v === 7],
  [
    "a reference beside rules",
    { $ref: "#/$defs/n", maximum: 1, $defs: { n: { type: "integer", minimum: 1 } } },
    (v) => v === 1,
  ],
  [
    "all of some",
    { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } }, required: ["b"] }] },
    has("a", 1),
  ],
  ["a chain that may end", { $ref: "#/$defs/node", $defs: { node: NODE } }, (v) => isObject(v) && "next" in v],
  [
    "a tree",
    { type: "object", properties: { kids: { type: "array", items: { $ref: "#" } } }, required: ["kids"] },
    (v) => isObject(v),
  ],
];

function isSetOf(size: number) {
  return (value: Json) => Array.isArray(value) && new Set(value.map((one) => JSON.stringify(one))).size === size;
}

function has(key: string, wanted: Json) {
  return (value: Json) => isObject(value) && Object.hasOwn(value, key) && value[key] === wanted;
}

describe("a value for a schema", () => {
  it.each(FITS)("fits: %s", (_name, schema, fits) => {
    for (const seed of ["a", "b", "c", "d", "e"]) expect(sample(schema, dice(seed))).toSatisfy(fits);
  });

  it("is decided by the seed", () => {
    const schema = { type: "array", minItems: 20, items: { type: "integer" } };
    expect(sample(schema, dice("a"))).toEqual(sample(schema, dice("a")));
    expect(sample(schema, dice("a"))).not.toEqual(sample(schema, dice("b")));
  });

  it.each([
    ["allows nothing", false],
    ["has an empty enum", { enum: [] }],
    ["asks for more than can be made", { type: "array", minItems: 1e9, items: {} }],
    ["asks for a huge text", { type: "string", minLength: 1e9 }],
    ["doubles at each level", { allOf: [{ $ref: "#" }, { $ref: "#" }] }],
    ["never ends", { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }],
    ["refers to itself", { $ref: "#" }],
    ["refers to what is not there", { $ref: "#/$defs/constructor" }],
    ["refers elsewhere", { $ref: "https://example.com/schema.json" }],
    [
      "wants more different values than there are",
      { type: "array", uniqueItems: true, minItems: 3, items: { type: "boolean" } },
    ],
    ["has crossed bounds", { type: "integer", minimum: 5, maximum: 4 }],
    ["has nothing between its bounds", { type: "number", exclusiveMinimum: 1, maximum: 1 }],
  ])("is refused when the schema %s", (_why, schema) => {
    expect(() => sample(schema, dice("a"))).toThrow(/^Invalid schema: /);
  });
});
