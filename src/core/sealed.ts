import type { Json, JsonObject } from "./json.ts";

/** How a text begins that is sealed. */
export const SEALED = "sealed:v1:";

/** Seals a text anew. */
export type Again = (sealed: string) => string;

/** A doc with each sealed text in it sealed anew, and how many there were; a doc without any is given back as it is. */
export function resealed(doc: JsonObject, again: Again): { readonly doc: JsonObject; readonly count: number } {
  let count = 0;
  const walk = (value: Json | undefined): Json | undefined => {
    if (typeof value === "string") {
      if (!value.startsWith(SEALED)) return value;
      count++;
      return again(value);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item)!);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member)]));
  };
  const sealed = walk(doc) as JsonObject;
  return { doc: count === 0 ? doc : sealed, count };
}
