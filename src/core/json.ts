/** JSON as `JSON.parse` gives it. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json | undefined;
}

/** True for a JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether some member is null. */
export function hasNull(json: Readonly<JsonObject>): boolean {
  for (const key in json) if (json[key] === null && Object.hasOwn(json, key)) return true;
  return false;
}

/** The text that a value is; empty when it is something else. */
export function textIn(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The object that a value is; empty when it is something else. */
export function objectIn(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of a list; none when it is something else. */
export function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The object that a text is in JSON; `undefined` when it is something else, or no JSON. */
export function parsedObject(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
