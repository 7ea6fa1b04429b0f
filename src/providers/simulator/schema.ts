import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { Refusal } from "./request.ts";
import { number, string } from "./scalars.ts";
import type { Dice } from "./seed.ts";

/** Values that one schema may ask for. A schema of a few hundred bytes can ask for billions. */
const MAX_VALUES = 10_000;
/** A value that is nested deeper cannot be ended. */
const MAX_DEPTH = 32;
/** From here on only what must be there is made, so that a schema that holds itself ends. */
const SPARE_DEPTH = 4;

/**
 * A value that fits a JSON Schema, decided by the dice. Honoured: `type`, `const`, `enum`, `default`, `examples`, `$ref`
 * within the schema, `anyOf`, `oneOf` and `allOf`, objects' `properties` and `required`, arrays' `items`, `prefixItems`,
 * `minItems`, `maxItems` and `uniqueItems`, and what `scalars.ts` says of texts and numbers. Not honoured: `pattern` (give
 * an example or a default), `not`, `if`, `patternProperties`, `minProperties`.
 *
 * Throws `Refusal` for a schema that has no value, or none within 10,000 values and 32 levels.
 */
export function sample(schema: Json, roll: Dice): Json {
  return new Maker(schema, roll).make(schema, 0);
}

class Maker {
  private readonly root: Json;
  private readonly roll: Dice;
  private left = MAX_VALUES;
  private serial = 0;

  constructor(root: Json, roll: Dice) {
    this.root = root;
    this.roll = roll;
  }

  make(schema: Json, depth: number): Json {
    if (--this.left < 0 || depth > MAX_DEPTH) throw refused("asks for more than the simulator makes");
    if (schema === false) throw refused("allows no value");
    const rules = this.resolve(isObject(schema) ? schema : {}, depth, 0);
    if (rules["const"] !== undefined) return rules["const"];
    const { enum: values, examples } = rules;
    if (Array.isArray(values)) {
      if (values.length === 0) throw refused("allows no value");
      return values[Math.floor(this.roll() * values.length)]!;
    }
    if (rules["default"] !== undefined) return rules["default"];
    if (Array.isArray(examples) && examples.length > 0) return examples[0]!;
    switch (typeOf(rules, depth)) {
      case "object":
        return this.object(rules, depth);
      case "array":
        return this.array(rules, depth);
      case "integer":
        return number(rules, true, this.roll);
      case "number":
        return number(rules, false, this.roll);
      case "boolean":
        return this.roll() < 0.5;
      case "null":
        return null;
      default:
        return string(rules, this.serial);
    }
  }

  /** The schema with its references followed and one of its alternatives taken. */
  private resolve(schema: JsonObject, depth: number, steps: number): JsonObject {
    if (steps > MAX_DEPTH || --this.left < 0) throw refused("refers to itself without end");
    const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
    let rules: JsonObject = rest;
    if (typeof $ref === "string") rules = merged(this.resolve(this.follow($ref), depth, steps + 1), rules);
    if (Array.isArray(allOf)) {
      for (const one of allOf) {
        if (isObject(one)) rules = merged(rules, this.resolve(one, depth, steps + 1));
      }
    }
    for (const choices of [anyOf, oneOf]) {
      if (!Array.isArray(choices) || choices.length === 0) continue;
      const simple = depth < SPARE_DEPTH ? undefined : choices.find(isSimple);
      const taken = simple ?? choices.find((one) => isObject(one) && one["type"] !== "null") ?? choices[0];
      if (isObject(taken)) rules = merged(rules, this.resolve(taken, depth, steps + 1));
    }
    return rules;
  }

  private follow(ref: string): JsonObject {
    if (ref !== "#" && !ref.startsWith("#/")) throw refused(`refers to ${JSON.stringify(ref)}, which is outside of it`);
    let at: Json | undefined = this.root;
    for (const step of ref.split("/").slice(1)) {
      const key = decode(step).replaceAll("~1", "/").replaceAll("~0", "~");
      const inside: Json | undefined = at;
      if (Array.isArray(inside)) at = inside[Number(key)];
      else at = isObject(inside) && Object.hasOwn(inside, key) ? inside[key] : undefined;
    }
    if (at === true) return {};
    if (!isObject(at)) throw refused(`refers to ${JSON.stringify(ref)}, which it does not have`);
    return at;
  }

  private object(rules: JsonObject, depth: number): JsonObject {
    const properties = isObject(rules["properties"]) ? rules["properties"] : {};
    const required = new Set(strings(rules["required"]));
    const made: [string, Json][] = [];
    for (const [key, schema] of Object.entries(properties)) {
      if (required.has(key) || depth < SPARE_DEPTH) made.push([key, this.make(schema ?? {}, depth + 1)]);
    }
    for (const key of required) {
      if (!Object.hasOwn(properties, key)) made.push([key, this.make(rules["additionalProperties"] || {}, depth + 1)]);
    }
    return Object.fromEntries(made);
  }

  private array(rules: JsonObject, depth: number): Json[] {
    const { items, prefixItems } = rules;
    const first = [prefixItems, items].find((one) => Array.isArray(one)) ?? [];
    const rest = Array.isArray(items) ? {} : (items ?? {});
    const usual = depth < SPARE_DEPTH && rest !== false ? Math.max(1, first.length) : first.length;
    const most = count(rules["maxItems"], Number.POSITIVE_INFINITY);
    const length = Math.max(count(rules["minItems"], 0), Math.min(usual, most));
    const unique = rules["uniqueItems"] === true ? new Set<string>() : undefined;
    const made: Json[] = [];
    while (made.length < length) {
      const value = this.make(first[made.length] ?? rest, depth + 1);
      const text = unique && JSON.stringify(value);
      if (text === undefined || !unique?.has(text)) made.push(value);
      if (text !== undefined) unique?.add(text);
      // A text made next differs from the one before. What cannot differ runs into the limit of values.
      if (unique) this.serial++;
    }
    return made;
  }
}

const refused = (why: string) => new Refusal(`Invalid schema: it ${why}.`, null);

function typeOf(rules: JsonObject, depth: number): string {
  const { type } = rules;
  const types = strings(Array.isArray(type) ? type : [type ?? ""]).filter((one) => one !== "");
  if (depth >= SPARE_DEPTH && types.includes("null")) return "null";
  const named = types.find((one) => one !== "null") ?? types[0];
  if (named !== undefined) return named;
  if (rules["properties"] !== undefined || rules["required"] !== undefined) return "object";
  if (rules["items"] !== undefined || rules["prefixItems"] !== undefined) return "array";
  return ["minimum", "maximum", "multipleOf"].some((key) => rules[key] !== undefined) ? "number" : "string";
}

/** Both schemas at once, as far as members can be joined; where they cannot, the second one counts. */
function merged(a: JsonObject, b: JsonObject): JsonObject {
  const both: JsonObject = { ...a, ...b };
  if (isObject(a["properties"]) && isObject(b["properties"])) {
    both["properties"] = { ...a["properties"], ...b["properties"] };
  }
  if (a["required"] !== undefined && b["required"] !== undefined) {
    both["required"] = [...strings(a["required"]), ...strings(b["required"])];
  }
  return both;
}

/** Something that ends: neither an object, nor an array, nor a reference. */
function isSimple(schema: Json): boolean {
  if (!isObject(schema)) return false;
  const { type } = schema;
  return typeof type === "string" && type !== "object" && type !== "array";
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function count(value: Json | undefined, otherwise: number): number {
  return typeof value === "number" && value >= 0 ? value : otherwise;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
