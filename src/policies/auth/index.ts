import { hash } from "node:crypto";
import { type AuthSettings, AuthSettingsSchema, type Key } from "../../../gen/policies/auth/v1/settings_pb.js";
import type { Hooks, Policy } from "../../core/policy.ts";
import type { SettingsProblem } from "../../core/provider.ts";
import { credentialIn, MAX_KEY, unknownCaller } from "./credential.ts";

/** Characters; a shorter key could be found by trying. */
const MIN_KEY = 16;

/** Callers show a key that the config knows, and are known by its name. */
export const policy: Policy<AuthSettings> = { kind: "auth", settings: AuthSettingsSchema, check, compile };

function check({ keys }: AuthSettings): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const seen = new Map<string, number>();
  for (const [index, key] of keys.entries()) {
    const { case: how, value } = key.knownBy;
    if (how === undefined) continue;
    const path = `keys[${index}].${how}`;
    const wrong = how === "key" ? wrongWith(value) : undefined;
    if (wrong) problems.push({ path, message: wrong });
    const digest = digestOf(key);
    const first = seen.get(digest);
    if (first !== undefined) problems.push({ path, message: `the same key as keys[${first}]; remove one of them` });
    else seen.set(digest, index);
  }
  return problems;
}

function wrongWith(key: string): string | undefined {
  // A header carries no others as they are.
  if (!/^[!-~]*$/.test(key))
    return "a key holds visible ASCII characters alone, no space and no line break; make another";
  if (key.length < MIN_KEY)
    return `a key has at least ${MIN_KEY} characters; make one with \`openssl rand -base64 32\``;
  return key.length > MAX_KEY ? `a key has at most ${MAX_KEY} characters; make another` : undefined;
}

/**
 * A look-up of the key's SHA-256, about 0.5 us: whatever is wrong with a key, the same steps are taken, and how far its
 * digest agrees with a known one cannot be steered by who sends it.
 */
function compile({ keys }: AuthSettings): Hooks {
  const names = new Map(keys.map((key) => [digestOf(key), key.name]));
  return {
    admit({ headers }) {
      const key = credentialIn(headers);
      const name = key === undefined ? undefined : names.get(hash("sha256", key, "base64"));
      if (name === undefined) throw unknownCaller();
      return name;
    },
  };
}

function digestOf({ knownBy }: Key): string {
  if (knownBy.case === "sha256") return Buffer.from(knownBy.value, "hex").toString("base64");
  return hash("sha256", knownBy.value ?? "", "base64");
}
