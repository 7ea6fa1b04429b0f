import { errors } from "../../core/errors.ts";
import type { Outgoing, Tools } from "../../core/provider.ts";
import { chainKeys } from "./chain.ts";
import { fixedKeys, type KeySource, LeasedKeys } from "./lease.ts";
import { assumeRole } from "./role.ts";
import type { Account } from "./settings.ts";
import { type Keys, Signer } from "./sign.ts";

/** Makes a request one that AWS takes. */
export interface Authorizer {
  /** What is never to be told of, of the settings. */
  readonly secrets: readonly string[];
  /** @param headers Name and value, of what is signed with the body. */
  authorize(path: string, headers: readonly (readonly [string, string])[], body: Buffer): Outgoing | Promise<Outgoing>;
  /** AWS said that the credential is expired or unknown. */
  refused(): void;
}

/** Not signed: proxies may change it. */
const PLAIN = ["accept-encoding", "identity"];

/** By which credential the settings say; nothing is asked for before the first call. */
export function authorizerOf(account: Account, tools: Tools): Authorizer {
  const { credential } = account;
  if (credential.form !== "bearer") return signing(account, sourceOf(account, tools), secretsOf(credential), tools);
  const authorization = ["authorization", `Bearer ${credential.token}`];
  return {
    secrets: [credential.token],
    authorize: (path, headers, body) => ({ path, headers: [...headers.flat(), ...PLAIN, ...authorization], body }),
    refused: () => {},
  };
}

function secretsOf(credential: Account["credential"]): string[] {
  return credential.form === "keys" ? [credential.id, credential.secret, credential.token ?? ""] : [];
}

function sourceOf({ credential, region, stsBase }: Account, tools: Tools): KeySource {
  if (credential.form === "keys") {
    const { id, secret, token } = credential;
    return fixedKeys({ accessKeyId: id, secretAccessKey: secret, sessionToken: token });
  }
  if (tools.standIn) return fixedKeys({ accessKeyId: "***", secretAccessKey: "***", sessionToken: undefined });
  const chain = new LeasedKeys(() => chainKeys(region), tools);
  if (credential.form !== "role") return chain;
  const { arn: roleArn, seconds } = credential;
  const { dial } = tools;
  return new LeasedKeys(() => {
    if (dial === undefined) throw errors.unreachable("bedrock: AWS STS");
    return assumeRole({ roleArn, seconds, region, base: stsBase }, chain, dial(stsBase.origin), tools);
  }, tools);
}

function signing({ region, base }: Account, source: KeySource, secrets: readonly string[], tools: Tools): Authorizer {
  const signer = new Signer(region, "bedrock");
  const host = ["host", base.host] as const;
  let last: Keys | undefined;
  const signed = (
    keys: Keys,
    path: string,
    headers: readonly (readonly [string, string])[],
    body: Buffer,
  ): Outgoing => {
    last = keys;
    const added = signer.sign(keys, tools.wallNow(), { method: "POST", path, headers: [...headers, host], body });
    return { path, headers: [...headers.flat(), ...PLAIN, ...added], body };
  };
  return {
    secrets,
    authorize(path, headers, body) {
      const keys = source.keys();
      if (!(keys instanceof Promise)) return signed(keys, path, headers, body);
      return keys.then((ready) => signed(ready, path, headers, body));
    },
    refused() {
      if (last !== undefined) source.refused(last);
    },
  };
}
