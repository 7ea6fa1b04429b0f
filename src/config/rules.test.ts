import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { describe, expect, it } from "vitest";
import { ConfigSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { describeMessage } from "../../test/support/descriptor.ts";
import { assertRulesKnown, broken, brokenWhole } from "./rules.ts";

type Rules = MessageInitShape<typeof FieldRulesSchema>;
type Type = NonNullable<Rules["type"]>;

const wants = (type: Type, value: unknown): string[] =>
  broken(create(FieldRulesSchema, { type }), value).map(({ want }) => want);

const text = (value: Extract<Type, { case: "string" }>["value"]): Type => ({ case: "string", value });

describe("broken", () => {
  it.each<[Type, unknown, unknown, string]>([
    [text({ const: "a" }), "a", "b", "a"],
    [text({ minLen: 2n }), "é日", "日", "at least 2 characters"],
    [text({ maxLen: 1n }), "🎉", "ab", "at most 1 characters"],
    [text({ pattern: "^a+$" }), "aa", "ab", "a text that matches ^a+$"],
    [text({ prefix: "a" }), "ab", "ba", "a text that starts with a"],
    [text({ suffix: "a" }), "ba", "ab", "a text that ends with a"],
    [text({ contains: "a" }), "bab", "b", "a text that contains a"],
    [text({ in: ["a", "b"] }), "a", "c", "one of a, b"],
    [text({ notIn: ["a", "b"] }), "c", "a", "anything but a, b"],
    [
      text({ wellKnown: { case: "uri", value: true } }),
      "http://h:1/v1",
      "h/v1",
      "a URL such as https://example.com/v1",
    ],
    [text({ wellKnown: { case: "ip", value: true } }), "::1", "localhost", "an IP address"],
    [{ case: "uint32", value: { lessThan: { case: "lt", value: 5 } } }, 4, 5, "less than 5"],
    [{ case: "int64", value: { greaterThan: { case: "gt", value: 5n } } }, 6n, 5n, "more than 5"],
    [{ case: "double", value: { greaterThan: { case: "gte", value: 0.5 } } }, 0.5, 0.4, "at least 0.5"],
    [{ case: "bool", value: { const: true } }, true, false, "true"],
    [
      { case: "duration", value: { lessThan: { case: "lte", value: durationFromMs(1500) } } },
      durationFromMs(1500),
      durationFromMs(1501),
      "at most 1.5s",
    ],
  ])("%o holds for %o and not for %o", (type, good, bad, want) => {
    expect({ good: wants(type, good), bad: wants(type, bad) }).toEqual({ good: [], bad: [want] });
  });

  it("tells of every rule that is broken", () => {
    expect(wants(text({ minLen: 3n, prefix: "x" }), "a")).toEqual([
      "at least 3 characters",
      "a text that starts with x",
    ]);
  });

  it("throws for a rule that is not kept, so that none is written in vain", () => {
    expect(() => wants(text({ wellKnown: { case: "email", value: true } }), "a")).toThrow(
      "buf.validate.StringRules.email",
    );
    const cel = describeMessage({ f: { rules: { cel: [{ id: "x", expression: "true" }] } } });
    expect(() => assertRulesKnown(cel)).toThrow("does not keep this rule");
    const items: Rules = { type: text({ wellKnown: { case: "uuid", value: true } }) };
    const listed = describeMessage({ f: { repeated: true, rules: { type: { case: "repeated", value: { items } } } } });
    expect(() => assertRulesKnown(listed)).toThrow("buf.validate.StringRules.uuid");
  });
});

describe("brokenWhole", () => {
  it("counts entries and finds doubles", () => {
    const rules = create(FieldRulesSchema, {
      type: { case: "repeated", value: { minItems: 2n, maxItems: 3n, unique: true } },
    });
    const of = (...keys: string[]) => brokenWhole(rules, keys).map(({ want }) => want);
    expect([of("a", "b"), of("a"), of("a", "b", "c", "d"), of("a", "a")]).toEqual([
      [],
      ["at least 2 of them"],
      ["at most 3 of them"],
      ["no entry twice"],
    ]);
    const pairs = create(FieldRulesSchema, { type: { case: "map", value: { minPairs: 1n } } });
    expect(brokenWhole(pairs, [])).toEqual([{ want: "at least 1 of them" }]);
  });
});

describe("the rules of config.proto", () => {
  it("are all kept", () => assertRulesKnown(ConfigSchema));

  it("agree with the validator's own reading of them", () => {
    const validator = createValidator();
    const kind = (config: MessageInitShape<typeof ConfigSchema>) =>
      validator.validate(ConfigSchema, create(ConfigSchema, config)).kind;
    const route = { name: "é.b-c_1", routeType: "llm/v1/chat", model: { provider: "openai" } };
    expect(kind({ routes: [route] })).toBe("valid");
    for (const bad of [{ name: "a b" }, { name: "a\n" }, { routeType: "llm/v1/images" }, { model: {} }]) {
      expect(kind({ routes: [{ ...route, ...bad }] }), JSON.stringify(bad)).toBe("invalid");
    }
    expect(kind({ listen: { cors: {} } })).toBe("invalid");
  });
});
