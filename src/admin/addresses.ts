import { canonicalJson } from "../core/chain.ts";
import type { Violation } from "../core/errors.ts";
import { isObject, type Json, type JsonObject, objectIn, objectsIn } from "../core/json.ts";
import { leaves } from "./diff.ts";
import { mapSecrets, providerOf } from "./doc-secrets.ts";
import { type DocParts, isMask } from "./docs.ts";

/** Names of settings that say where a provider is reached. */
const ADDRESS = /(?:^|_)(?:url|uri|base|host|endpoint)$/;

/** Whether a setting of a provider says where it is reached. @param name In either spelling: `base_url`, `baseUrl`. */
export function isAddress(name: string): boolean {
  return ADDRESS.test(name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/**
 * Secrets that a change would send where they were not sent before, without saying what they are: whoever may change a route may
 * not read its secrets, and would by an address of its own. They have to be sent again.
 *
 * @param given The route as it was sent: whatever stands in it is known to who sent it.
 */
export async function movedSecrets(
  parts: DocParts,
  given: JsonObject,
  before: JsonObject,
  after: JsonObject,
): Promise<readonly Violation[]> {
  const sent = new Set([...leaves(given).values()].filter((value) => typeof value === "string" && !isMask(value)));
  const known = await secretsOf(parts, before);
  return (await secretsOf(parts, after)).flatMap(({ text, field, place }): Violation[] => {
    if (sent.has(text) || known.some((one) => one.text === text && one.place === place)) return [];
    return [{ field, description: "would be sent to another address than so far; send the secret itself" }];
  });
}

interface Secret {
  readonly text: string;
  readonly field: string;
  /** Provider and addresses of the model that has it. */
  readonly place: string;
}

async function secretsOf({ kinds }: DocParts, doc: JsonObject): Promise<readonly Secret[]> {
  const targets = objectsIn(doc["targets"]).map(
    (target, index) => [`targets[${index}].model.`, target["model"]] as const,
  );
  const models = [["model.", doc["model"]] as const, ...targets].map(
    ([path, model]) => [path, placeOf(objectIn(model))] as const,
  );
  const found: Secret[] = [];
  await mapSecrets(kinds, doc, (text, field) => {
    const place = models.find(([path]) => field.startsWith(path))?.[1];
    if (place !== undefined) found.push({ text, field, place });
    return text;
  });
  return found;
}

function placeOf(model: JsonObject): string {
  return canonicalJson({ provider: providerOf(model), addresses: addressesIn(objectIn(model["config"]), "") });
}

function addressesIn(config: JsonObject, path: string): JsonObject {
  const found: JsonObject = {};
  for (const [key, value = null] of Object.entries(config)) {
    if (isObject(value)) Object.assign(found, addressesIn(value, `${path}${key}.`));
    else if (isAddress(key) && isSaid(value)) found[`${path}${key}`] = value;
  }
  return found;
}

const isSaid = (value: Json): boolean => value !== "" && value !== null;
