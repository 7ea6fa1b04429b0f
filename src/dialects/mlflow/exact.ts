import type { Body } from "../../core/body.ts";
import type { Json, JsonObject } from "../../core/json.ts";

/**
 * A number that JavaScript would write otherwise than it is spelt here: more digits than a double has, zeros at a fraction's
 * end, or beyond the largest. Within a string it costs a slower parse and changes nothing.
 */
const LOSSY = /[:,[]\s*-?(?:\d{16}|\d+\.(?:0*[1-9]\d{17}|\d*0(?=[,\]}\s]))|[\d.]+[eE]\+?\d{3})/;

/** In V8 since 11.4, and not in TypeScript's libraries. https://github.com/tc39/proposal-json-parse-with-source */
interface RawJson {
  parse(text: string, reviver: (key: string, value: Json, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}

/**
 * A whole reply as JSON whose numbers are written as they came: 12345678901234567890 is not rounded and 1.10 stays. Such a
 * number is an opaque object here, for `JSON.stringify` alone. It costs a second parse, where there is such a number.
 */
export function exactJson(body: Body): Readonly<JsonObject> {
  const text = body.bytes.toString("utf8");
  if (!LOSSY.test(text)) return body.json;
  const raw = JSON as unknown as RawJson;
  const keep = (_key: string, value: Json, { source }: { readonly source?: string }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? raw.rawJSON(source) : value;
  return raw.parse(text, keep) as JsonObject;
}
