import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { fields, numberIn } from "./fields.ts";

/** Counts that Google writes as texts, being 64-bit integers. */
const COUNTS = new Set(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]);

/**
 * Google's own schema, a part of OpenAPI's, as JSON Schema: types in lower case, `nullable` as a type, counts as numbers.
 *
 * @see https://ai.google.dev/api/caching#Schema
 */
export function schemaIn(schema: Json | undefined): JsonObject {
  const { nullable, ...plain } = fields(schema);
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(plain)) {
    if (name === "type") out["type"] = typeIn(value, nullable === true);
    else if (name === "format" && value === "enum") continue;
    else if (name === "properties") out["properties"] = mapped(value);
    else if (name === "items") out["items"] = schemaIn(value);
    else if (name === "anyOf" && Array.isArray(value)) out["anyOf"] = value.map(schemaIn);
    else out[name] = COUNTS.has(name) ? (numberIn(value) ?? value) : value;
  }
  return out;
}

function typeIn(type: Json | undefined, nullable: boolean): Json {
  const plain = Array.isArray(type) ? type.map(lower) : lower(type);
  return nullable ? [plain, "null"].flat() : plain;
}

function lower(type: Json | undefined): Json {
  return typeof type === "string" ? type.toLowerCase() : (type ?? null);
}

/** Names of properties are the caller's own, and stay as they are. */
function mapped(properties: Json | undefined): JsonObject {
  if (!isObject(properties)) return {};
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, schemaIn(schema)]));
}
