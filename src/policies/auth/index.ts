import { hash } from "node:crypto";
import {
  type AuthSettings,
  AuthSettingsSchema,
  type Key,
  type Scope,
} from "../../../gen/policies/auth/v1/settings_pb.js";
import { grantsOfFile, operationsOf, principalOf } from "../../core/grants.ts";
import { ownText } from "../../core/own-text.ts";
import type { Hooks, Policy, PolicyTools } from "../../core/policy.ts";
import type { Principal } from "../../core/principal.ts";
import type { SettingsProblem } from "../../core/provider.ts";
import type { RingKey } from "../../core/stored.ts";
import { credentialIn, keyIn, MAX_KEY, unknownCaller } from "./credential.ts";

/** Characters; a shorter key could be found by trying. */
const MIN_KEY = 16;

/** Callers show a key that the config or the store knows, and are known by its name. */
export const policy: Policy<AuthSettings> = {
  kind: "auth",
  settings: AuthSettingsSchema,
  check,
  compile,
};

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
    problems.push(...key.scopes.flatMap((scope, at) => wrongWithin(scope, `keys[${index}].scopes[${at}]`)));
  }
  return problems;
}

function wrongWithin({ realm, operations }: Scope, path: string): SettingsProblem[] {
  const words = operationsOf(realm);
  return operations.flatMap((one, at) =>
    words === undefined || words.includes(one)
      ? []
      : { path: `${path}.operations[${at}]`, message: `not one of ${words.join(", ")}` },
  );
}

function wrongWith(key: string): string | undefined {
  // A header carries no others as they are.
  if (!/^[!-~]*$/.test(key))
    return "a key holds visible ASCII characters alone, no space and no line break; make another";
  if (key.length < MIN_KEY)
    return `a key has at least ${MIN_KEY} characters; make one with \`openssl rand -base64 32\``;
  return key.length > MAX_KEY ? `a key has at most ${MAX_KEY} characters; make another` : undefined;
}

/** Most headers that are known by their text; a key comes in few spellings. */
const MAX_TEXTS = 1024;

/** A caller, and until when: milliseconds since 1970. */
interface Known {
  readonly caller: Principal;
  readonly until: number;
}

/**
 * A look-up of the key's SHA-256 among the file's keys, 1.5 us, and then of its keyed hash among the store's: whatever is wrong
 * with a key, the same steps are taken, and how far its digest agrees with a known one cannot be steered by who sends it. A
 * header that was good once is known by its whole text, which is looked up by a hash with a secret seed, for as long as the
 * store's keys are the same; no text of a header that was refused is ever kept.
 */
function compile({ keys }: AuthSettings, tools: PolicyTools): Hooks {
  const ring = tools.keys;
  const own = new Map(keys.map((key): [string, Known] => [digestOf(key), ofFile(key)]));
  const good = { authorization: new Map<string, Known>(), key: new Map<string, Known>() };
  let version = ring.version;

  function find(key: string): Known | undefined {
    const stored = ring.find(key);
    return own.get(hash("sha256", key, "base64")) ?? (stored && ofStore(stored));
  }

  return {
    admit(head) {
      const shown = credentialIn(head);
      if (shown === undefined) return unknownCaller();
      if (ring.version !== version) {
        version = ring.version;
        good.authorization.clear();
        good.key.clear();
      }
      const texts = good[shown.by];
      let known = texts.get(shown.text);
      if (known === undefined) {
        const key = keyIn(shown);
        known = key === undefined ? undefined : find(key);
        if (known === undefined) return unknownCaller();
        if (texts.size >= MAX_TEXTS) texts.clear();
        texts.set(ownText(shown.text), known);
      }
      return known.until === NEVER || tools.wallNow() < known.until ? known.caller : unknownCaller();
    },
  };
}

const NEVER = Number.POSITIVE_INFINITY;

function ofFile(key: Key): Known {
  return { caller: principalOf(key.name, "", grantsOfFile(key.scopes)), until: NEVER };
}

function ofStore({ id, name, grants, expiresAt = NEVER }: RingKey): Known {
  return { caller: principalOf(name, id, grants), until: expiresAt };
}

function digestOf({ knownBy }: Key): string {
  if (knownBy.case === "sha256") return Buffer.from(knownBy.value, "hex").toString("base64");
  return hash("sha256", knownBy.value ?? "", "base64");
}
