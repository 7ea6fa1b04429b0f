import type { Json, JsonObject } from "../../core/json.ts";
import { Refusal } from "./request.ts";
import type { Dice } from "./seed.ts";

/** One text for each `format` of JSON Schema that is likely to be checked. */
const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2000-01-01T00:00:00Z",
  date: "2000-01-01",
  time: "00:00:00Z",
  duration: "PT1S",
  email: "simulated@example.com",
  "idn-email": "simulated@example.com",
  hostname: "simulated.example.com",
  "idn-hostname": "simulated.example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/simulated",
  "uri-reference": "/simulated",
  iri: "https://example.com/simulated",
  uuid: "00000000-0000-4000-8000-000000000000",
  "json-pointer": "/simulated",
  regex: "simulated",
};

/** Most characters that a schema's `minLength` may ask for. */
const MAX_LENGTH = 10_000;

/** A text that fits `format`, or else `minLength` and `maxLength`. `serial` tells one from the next; 0 is left out. */
export function string(rules: JsonObject, serial: number): string {
  const { format } = rules;
  if (typeof format === "string" && Object.hasOwn(FORMATS, format)) return FORMATS[format]!;
  const least = numberOr(rules["minLength"], 0);
  const most = numberOr(rules["maxLength"], Number.POSITIVE_INFINITY);
  if (least > most || least > MAX_LENGTH) {
    throw new Refusal(`Invalid schema: it asks for a text of ${least} to ${most} characters.`, null);
  }
  const base = serial === 0 ? "simulated" : `${serial} simulated`;
  return base.padEnd(least, " simulated").slice(0, most);
}

/**
 * A number that fits `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` and `multipleOf`; from 0 to 100 when
 * nothing says otherwise. Throws `Refusal` when there is none.
 */
export function number(rules: JsonObject, isWhole: boolean, roll: Dice): number {
  const step = numberOr(rules["multipleOf"], isWhole ? 1 : 0);
  const [from, fromOpen] = bound(rules["minimum"], rules["exclusiveMinimum"], Math.max);
  const [to, toOpen] = bound(rules["maximum"], rules["exclusiveMaximum"], Math.min);
  const low = from ?? (to === undefined || to > 0 ? 0 : to - 100);
  const high = to ?? Math.max(100, low + Math.max(100, 2 * step));
  if (step > 0) {
    // Whole and a multiple of a fraction: the multiples of the step that are whole are those of the step times its denominator.
    const unit = isWhole && !Number.isInteger(step) ? wholeMultiple(step) : step;
    let least = Math.ceil(low / unit);
    let most = Math.floor(high / unit);
    if (fromOpen && least * unit === low) least++;
    if (toOpen && most * unit === high) most--;
    if (!(least <= most)) throw none(low, high);
    return tidy((least + Math.floor(roll() * (Math.min(most - least, 1000) + 1))) * unit);
  }
  if (!(low <= high) || (low === high && (fromOpen || toOpen))) throw none(low, high);
  const between = Number.isFinite(high - low) ? low + (high - low) * (0.1 + 0.8 * roll()) : low / 2 + high / 2;
  const round = Math.round(between * 100) / 100;
  return round > low && round < high ? round : between;
}

const none = (low: number, high: number) =>
  new Refusal(`Invalid schema: no number from ${low} to ${high} fits it.`, null);

/** The stricter of a bound and its exclusive form, and whether it is exclusive. Draft 4 says `true` for the latter. */
function bound(
  closed: Json | undefined,
  open: Json | undefined,
  stricter: (a: number, b: number) => number,
): readonly [number | undefined, boolean] {
  const limit = typeof closed === "number" ? closed : undefined;
  if (typeof open !== "number") return [limit, open === true];
  return limit === undefined ? [open, true] : [stricter(limit, open), stricter(limit, open) === open];
}

function wholeMultiple(step: number): number {
  for (let times = 2; times <= 1000; times++) {
    const product = tidy(step * times);
    if (Number.isInteger(product)) return product;
  }
  throw new Refusal(`Invalid schema: no whole multiple of ${step} was found.`, null);
}

/** Without the noise of binary fractions: 0.30000000000000004 is 0.3. */
function tidy(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(12));
}

function numberOr(value: Json | undefined, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}
