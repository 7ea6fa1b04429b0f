import type { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";

/**
 * The members of a nested object that a provider has a place for; the others are told as dropped, but for null.
 *
 * @param path Where the object stands in the request, such as `messages[2]`.
 * @param keep What to keep, in the order in which it is sent.
 * @param known What is not sent, and not missed either: it is said elsewhere.
 */
export function only(
  call: Call,
  path: string,
  object: Readonly<JsonObject>,
  keep: readonly string[],
  known: readonly string[] = [],
): JsonObject {
  for (const name of Object.keys(object)) {
    if (object[name] !== null && !keep.includes(name) && !known.includes(name))
      call.adjust("dropped", `${path}.${name}`);
  }
  const kept: JsonObject = {};
  for (const name of keep) {
    const value = object[name];
    if (value !== undefined && value !== null) kept[name] = value;
  }
  return kept;
}
