/** Routes at random, by the descriptors of config.proto, of a provider and of policies; from a seed, so that a failure names its input. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import { membersOf } from "../../src/admin/doc-secrets.ts";
import { isSecret } from "../../src/config/secrets.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { kinds } from "../../src/kinds.ts";

type Roll = () => number;

/** A field that a mask can name, from the route inwards. */
export interface MaskPath {
  readonly text: string;
  readonly steps: readonly string[];
}

const KEYS = ["team", "a.b/c", "x-y"];

/** Every path that a mask can name in a route of the provider. */
export async function maskPaths(provider: string): Promise<MaskPath[]> {
  const found: MaskPath[] = [];
  const walk = async (desc: DescMessage, before: readonly string[]): Promise<void> => {
    for (const field of desc.fields) {
      const steps = [...before, field.name];
      found.push({ text: steps.join("."), steps });
      if (field.fieldKind === "map")
        for (const key of KEYS) found.push({ text: `${steps.join(".")}.${key}`, steps: [...steps, key] });
      const members = field.fieldKind === "message" ? await membersOf(field, { provider }, kinds) : undefined;
      if (members && members !== "unknown") await walk(members, steps);
    }
  };
  await walk(RouteSchema, []);
  return found;
}

/** A route's doc in which each field is there about as often as not; no two of its texts are alike. */
export async function randomRoute(roll: Roll, name: string, provider: string): Promise<JsonObject> {
  const text = () => `t${Math.floor(roll() * 1e9)}`;
  const message = async (desc: DescMessage, all: boolean): Promise<JsonObject> => {
    const doc: JsonObject = desc.fields.some((field) => field.name === "provider") ? { provider } : {};
    for (const field of desc.fields)
      if (doc[field.name] === undefined && (all || roll() < 0.6)) doc[field.name] = await value(field, doc);
    return doc;
  };
  const element = async (field: DescField, holder: JsonObject): Promise<Json> => {
    if (isSecret(field)) return `secret ${text()}`;
    const members = await membersOf(field, holder, kinds);
    if (members && members !== "unknown") return message(members, roll() < 0.3);
    switch (field.message?.typeName) {
      case undefined:
        break;
      case "google.protobuf.Duration":
        return `${1 + Math.floor(roll() * 1e4)}s`;
      default:
        return { [text()]: text() };
    }
    if (field.enum) return field.enum.values[1 + Math.floor(roll() * (field.enum.values.length - 1))]!.name;
    if (field.scalar === ScalarType.BOOL) return true;
    return field.scalar === ScalarType.STRING ? text() : 1 + Math.floor(roll() * 1000);
  };
  const value = async (field: DescField, holder: JsonObject): Promise<Json> => {
    if (field.fieldKind === "list") return [await element(field, holder), await element(field, holder)];
    if (field.fieldKind !== "map") return element(field, holder);
    return Object.fromEntries(KEYS.filter(() => roll() < 0.7).map((key) => [key, text()]));
  };
  return { ...(await message(RouteSchema, roll() < 0.3)), name };
}
