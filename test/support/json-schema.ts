/** Checks values against the schemas of an OpenAPI document: the keywords that ours uses, and no others. */

export interface Schema {
  readonly [keyword: string]: unknown;
}
interface Media {
  readonly schema: Schema;
  readonly examples?: Record<string, { readonly value: unknown }>;
}
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters?: readonly Record<string, unknown>[];
  readonly requestBody?: { readonly content: Record<string, Media> };
  readonly responses: Record<string, { readonly description: string; readonly content: Record<string, Media> }>;
  readonly "x-event-schema"?: Schema;
}
/** What of an OpenAPI document the tests read. */
export interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, Schema>>;
}

/** What the value breaks, as `path: rule`; empty: nothing. Throws for a keyword that is not known here. */
export function check(document: Document, schema: Schema, value: unknown, path = "$"): string[] {
  const found: string[] = [];
  for (const [keyword, want] of Object.entries(schema)) {
    const rule = RULES[keyword];
    if (rule === undefined) throw new Error(`${path}: the keyword ${keyword} is not known to this checker.`);
    found.push(...rule(value, want as never, { document, path, schema }));
  }
  return found;
}

/** What stands at a `$ref` such as `#/components/schemas/Model`. Throws when nothing does. */
export function resolve(document: Document, ref: string): Schema {
  let here: unknown = document;
  for (const key of ref.slice(2).split("/")) here = (here as Record<string, unknown> | undefined)?.[key];
  if (here === undefined) throw new Error(`Nothing stands at ${ref}.`);
  return here as Schema;
}

interface Context {
  readonly document: Document;
  readonly path: string;
  readonly schema: Schema;
}
type Rule = (value: unknown, want: never, context: Context) => string[];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const nothing: Rule = () => [];

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

const holds =
  (test: (value: never, want: never) => boolean, name: string): Rule =>
  (value, want, { path }) =>
    test(value as never, want) ? [] : [`${path}: ${name} ${JSON.stringify(want)}`];

const RULES: Record<string, Rule> = {
  description: nothing,
  examples: nothing,
  required: (value, want: readonly string[], { path }) =>
    isObject(value) ? want.filter((key) => !Object.hasOwn(value, key)).map((key) => `${path}.${key}: required`) : [],
  type: (value, want: string | readonly string[], { path }) => {
    const have = typeOf(value);
    const allowed = [want].flat();
    const fits = allowed.includes(have) || (have === "integer" && allowed.includes("number"));
    return fits ? [] : [`${path}: ${have} is not ${allowed.join(" or ")}`];
  },
  $ref: (value, want: string, { document, path }) => check(document, resolve(document, want), value, path),
  anyOf: (value, want: readonly Schema[], { document, path }) => {
    const each = want.map((one) => check(document, one, value, path));
    return each.some((one) => one.length === 0) ? [] : [`${path}: none of ${JSON.stringify(each)}`];
  },
  enum: holds((value, want: readonly unknown[]) => want.includes(value), "enum"),
  items: (value, want: Schema, { document, path }) =>
    Array.isArray(value) ? value.flatMap((one, at) => check(document, want, one, `${path}[${at}]`)) : [],
  properties: (value, want: Record<string, Schema>, { document, path }) =>
    isObject(value)
      ? Object.entries(want).flatMap(([key, one]) =>
          Object.hasOwn(value, key) ? check(document, one, value[key], `${path}.${key}`) : [],
        )
      : [],
  additionalProperties: (value, want: Schema, { document, path }) =>
    isObject(value) ? Object.entries(value).flatMap(([key, one]) => check(document, want, one, `${path}.${key}`)) : [],
  propertyNames: (value, want: Schema, { document, path }) =>
    isObject(value) ? Object.keys(value).flatMap((key) => check(document, want, key, `${path}.${key}`)) : [],
  minimum: holds((value, want: number) => typeof value !== "number" || value >= want, "minimum"),
  maximum: holds((value, want: number) => typeof value !== "number" || value <= want, "maximum"),
  minLength: holds(
    (value, want: number) => typeof value !== "string" || Array.from(value as string).length >= want,
    "minLength",
  ),
  maxLength: holds(
    (value, want: number) => typeof value !== "string" || Array.from(value as string).length <= want,
    "maxLength",
  ),
  pattern: holds((value, want: string) => typeof value !== "string" || new RegExp(want, "u").test(value), "pattern"),
  minItems: holds((value, want: number) => !Array.isArray(value) || (value as unknown[]).length >= want, "minItems"),
  maxItems: holds((value, want: number) => !Array.isArray(value) || (value as unknown[]).length <= want, "maxItems"),
  minProperties: holds(
    (value, want: number) => typeof value !== "object" || value === null || Object.keys(value).length >= want,
    "minProperties",
  ),
  maxProperties: holds((value, want: number) => !isObject(value) || Object.keys(value).length <= want, "maxProperties"),
};
