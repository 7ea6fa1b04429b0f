import { type JsonObject, objectsIn, textIn } from "../core/json.ts";

/** Which registered models become routes. */
export interface Discovering {
  /** Of names, where `*` stands for any text. */
  readonly globs: readonly string[];
  /** Aliases such as `@champion` and stages such as `Production`: the first that a model has is the one that is served. */
  readonly by: readonly string[];
  /** Names of routes that there are already. */
  readonly taken: ReadonlySet<string>;
}

/** What may be a route's name. */
const NAME = /^[\p{L}\p{N}_.-]+$/u;

/**
 * The routes that registered models come to: names of the registry, such as `models:/iris@champion`, by the routes' names.
 *
 * @param models As the registry lists them.
 * @param left Takes why a model that would be one is not made a route.
 */
export function discovered(
  models: readonly JsonObject[],
  { globs, by, taken }: Discovering,
  left: string[],
): ReadonlyMap<string, string> {
  const patterns = globs.map((glob) => new RegExp(`^${glob.split("*").map(escaped).join(".*")}$`, "su"));
  const found = new Map<string, string>();
  for (const model of models) {
    const name = textIn(model["name"]);
    if (!patterns.some((pattern) => pattern.test(name))) continue;
    const aliases = objectsIn(model["aliases"]).map(({ alias }) => `@${textIn(alias)}`);
    const stages = objectsIn(model["latest_versions"]).map(({ current_stage: stage }) => textIn(stage));
    const which = by.find((one) => aliases.includes(one) || stages.includes(one));
    if (which === undefined) continue;
    if (!NAME.test(name))
      left.push(`the model ${JSON.stringify(name)} is not made a route: its name is none for a route`);
    else if (taken.has(name)) left.push(`the model ${name} is not made a route: the config has a route of this name`);
    else found.set(name, `models:/${name}${which.startsWith("@") ? which : `/${which}`}`);
  }
  return found;
}

const escaped = (text: string) => text.replace(/[\\^$.|?+()[\]{}]/g, "\\$&");
