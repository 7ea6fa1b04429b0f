import { errors } from "../../core/errors.ts";
import { type JsonObject, objectsIn } from "../../core/json.ts";

/** What MLflow never passed on and nobody misses: OpenAI's notes on its own servers. */
export const NOISE: ReadonlySet<string> = new Set(["system_fingerprint", "service_tier", "object"]);

/**
 * `first` in its order, then what else `from` has to say: no null, no empty list, no noise. MLflow drops all of it; here
 * log probabilities, reasoning and whatever providers add reach the caller, after the members that MLflow has.
 *
 * @param but Members of `from` that `first` already tells under another name.
 */
export function withRest(first: JsonObject, from: Readonly<JsonObject>, but: readonly string[] = []): JsonObject {
  const rest = Object.entries(from).filter(
    ([key, value]) =>
      !Object.hasOwn(first, key) &&
      !but.includes(key) &&
      !NOISE.has(key) &&
      value !== null &&
      !(Array.isArray(value) && value.length === 0),
  );
  return rest.length === 0 ? first : { ...first, ...Object.fromEntries(rest) };
}

/** What a whole answer must have. Throws UPSTREAM_FAILED without it: an answer of nothing would pass for a good one. */
export function answersOf(json: Readonly<JsonObject>, key: "choices" | "data"): JsonObject[] {
  if (!Array.isArray(json[key])) throw errors.upstreamFailed(`The provider's answer has no list of ${key}.`);
  return objectsIn(json[key]);
}
