import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/**
 * The members of one message of Google's API under their names in JSON. Its servers take the names of the proto too
 * (`inline_data` for `inlineData`), and many examples are written so. What is not an object has none.
 *
 * @see https://protobuf.dev/programming-guides/json/
 */
export function fields(value: Json | undefined): JsonObject {
  if (!isObject(value)) return {};
  if (!Object.keys(value).some((name) => name.includes("_"))) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [camel(name), one]));
}

/** A list of such messages; a single one counts as a list of it, as in Google's API. */
export function lists(value: Json | undefined): JsonObject[] {
  if (isObject(value)) return [fields(value)];
  return Array.isArray(value) ? value.filter(isObject).map(fields) : [];
}

/** `inline_data` as `inlineData`. */
export function camel(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A list of what there is: of one thing, or of none. */
export function some(one: JsonObject | undefined): JsonObject[] {
  return one === undefined ? [] : [one];
}

/** A text that is not empty. */
export function textIn(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A number, written as one or, as 64-bit ones are, in a text. */
export function numberIn(value: Json | undefined): number | undefined {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
