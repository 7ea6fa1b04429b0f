import { objectsIn, textIn } from "../core/json.ts";
import type { OpenChange } from "./diff.ts";

/**
 * Routes over whose models a change newly spreads calls. They are answered with the credentials of those routes and past their
 * limits, so that who says it has to be one who may change those, too.
 */
export function newDestinations({ before, after }: OpenChange): readonly string[] {
  const named = (doc: OpenChange["after"]) => objectsIn(doc?.["destinations"]).map(({ name }) => textIn(name));
  const known = new Set(named(before));
  return named(after).filter((name) => name !== "" && !known.has(name));
}
