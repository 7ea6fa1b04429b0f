import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ModelSchema, RouteSchema } from "../../gen/polygate/config/v1/config_pb.js";
import type { Kinds } from "../config/load.ts";
import { POLICY_FIELDS } from "../config/policies.ts";
import { keyPath } from "../config/problems.ts";
import { isSecret } from "../config/secrets.ts";
import { isObject, type Json, type JsonObject, textIn } from "../core/json.ts";

/** What a text that is a secret becomes. @param path Of the text, such as `targets[1].model.config.api_key`. */
export type EachSecret = (text: string, path: string) => string;

/** The field that a key of a doc names. */
export function fieldOf(desc: DescMessage, key: string): DescField | undefined {
  return desc.fields.find(({ name, jsonName }) => name === key || jsonName === key);
}

/** A model's kind of provider, in the one spelling. */
export function providerOf(model: JsonObject): string {
  return textIn(model["provider"]).toLowerCase().replaceAll("_", "-");
}

/**
 * By what descriptor the members of a field are named: its own message's, or where a `Struct` stands for the settings of a
 * provider or policy, theirs. `undefined`: by none, they are free; `"unknown"`: nobody knows the provider.
 *
 * @param holder The JSON of the message that has the field: a model says its provider.
 */
export async function membersOf(
  field: DescField,
  holder: JsonObject,
  kinds: Kinds,
): Promise<DescMessage | "unknown" | undefined> {
  if (field === ModelSchema.field.config) {
    return (await kinds.provider(providerOf(holder)))?.settings ?? "unknown";
  }
  const policy = POLICY_FIELDS.route.find((one) => one.field === field);
  if (policy) return (await kinds.policy?.(policy.kind))?.settings ?? "unknown";
  return field.message?.typeName.startsWith("google.protobuf.") ? undefined : field.message;
}

/**
 * A copy of a route's doc with every secret replaced, found by the descriptors of its providers and policies. What they do not
 * know is taken for a secret too: a misspelt `api_kye` is one, and so is all of a provider that is no longer there.
 */
export function mapSecrets(kinds: Kinds, doc: JsonObject, each: EachSecret): Promise<JsonObject> {
  return new Walk(kinds, each).message(RouteSchema, doc, "");
}

class Walk {
  private readonly kinds: Kinds;
  private readonly each: EachSecret;

  constructor(kinds: Kinds, each: EachSecret) {
    this.kinds = kinds;
    this.each = each;
  }

  async message(desc: DescMessage, doc: JsonObject, path: string): Promise<JsonObject> {
    const copy: JsonObject = {};
    for (const [key, value] of Object.entries(doc)) {
      if (value === undefined) continue;
      const inner = keyPath(path, key);
      const field = fieldOf(desc, key);
      copy[key] = field ? await this.field(field, value, doc, inner) : this.all(value, inner);
    }
    return copy;
  }

  private async field(field: DescField, value: Json, holder: JsonObject, path: string): Promise<Json> {
    if (isSecret(field)) return this.all(value, path);
    const members = await membersOf(field, holder, this.kinds);
    if (members === undefined) return value;
    if (members === "unknown") return this.all(value, path);
    if (field.fieldKind === "list" && Array.isArray(value))
      return Promise.all(value.map((item, index) => this.element(members, item, `${path}[${index}]`)));
    if (field.fieldKind === "map" && isObject(value)) {
      const entries = Object.entries(value).map(async ([key, item]) => [
        key,
        await this.element(members, item ?? null, keyPath(path, key)),
      ]);
      return Object.fromEntries(await Promise.all(entries)) as JsonObject;
    }
    return this.element(members, value, path);
  }

  /** What is no object where a message should be has no member to find a secret by. */
  private async element(desc: DescMessage, value: Json, path: string): Promise<Json> {
    return isObject(value) ? this.message(desc, value, path) : this.all(value, path);
  }

  private all(value: Json, path: string): Json {
    if (typeof value === "string") return value === "" ? value : this.each(value, path);
    if (Array.isArray(value)) return value.map((item, index) => this.all(item, `${path}[${index}]`));
    if (!isObject(value)) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, this.all(item ?? null, keyPath(path, key))]);
    return Object.fromEntries(entries) as JsonObject;
  }
}
