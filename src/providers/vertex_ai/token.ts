import { sign } from "node:crypto";
import { ask } from "../../core/ask.ts";
import { GatewayError } from "../../core/errors.ts";
import { type JsonObject, parsedObject } from "../../core/json.ts";
import { Lease, type Lent } from "../../core/lease.ts";
import type { Maybe, Tools } from "../../core/provider.ts";
import type { Credential, ServiceAccount } from "./credentials.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** Seconds; Google allows no more. */
const LIFE = 3600;
/** How long a token is used whose end nobody tells. */
const UNTOLD_MS = 10 * 60_000;

/** Where the token of a call comes from. */
export interface Tokens {
  /** Throws, or rejects, with UPSTREAM_CREDENTIALS when Google gives none. */
  get(): Maybe<string>;
  /** Vertex did not take it. */
  refused(token: string): void;
}

/** Tokens that are cached, and renewed before they end. */
export function tokensOf(credential: Credential, tools: Tools): Tokens {
  if (tools.standIn) return { get: () => "***", refused: () => {} };
  if (credential.kind === "token") return { get: () => credential.token, refused: () => {} };
  const borrow =
    credential.kind === "account"
      ? () => byAccount(credential.account, tools)
      : () => byLibrary(credential.kind === "other" ? credential.json : undefined, tools);
  return new Lease(borrow, () => tools.wallNow());
}

/**
 * A token for a service account, by a claim that its key signs.
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
async function byAccount(account: ServiceAccount, tools: Tools): Promise<Lent<string>> {
  const { origin, pathname, search } = new URL(account.tokenUri);
  const exchange = tools.dial?.(origin);
  if (exchange === undefined) throw refused("there is no network here");
  const now = tools.wallNow();
  const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  const form = new URLSearchParams({ grant_type: grant, assertion: assertionOf(account, Math.floor(now / 1000)) });
  const headers = ["content-type", "application/x-www-form-urlencoded", "accept-encoding", "identity"];
  const outgoing = { path: pathname + search, headers, body: Buffer.from(form.toString()) };
  const { status, body } = await ask(exchange, outgoing, tools.clock, "Google's token endpoint");
  const json = parsedObject(body.toString("utf8")) ?? {};
  const { access_token, expires_in } = json;
  if (status !== 200 || typeof access_token !== "string") throw refused(whyOf(json, status), status);
  return { thing: access_token, expiresAt: now + (typeof expires_in === "number" ? expires_in : LIFE) * 1000 };
}

/** A JSON Web Token that says who asks for what. */
function assertionOf({ email, privateKey, keyId, tokenUri }: ServiceAccount, now: number): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
  const head = part({ alg: "RS256", typ: "JWT", ...(keyId !== undefined && { kid: keyId }) });
  const claims = part({ iss: email, scope: SCOPE, aud: tokenUri, iat: now, exp: now + LIFE });
  const signature = sign("sha256", Buffer.from(`${head}.${claims}`), privateKey).toString("base64url");
  return `${head}.${claims}.${signature}`;
}

/**
 * A token in Google's own order: a file that the environment names, gcloud's login, workload identity, the metadata server. It is
 * loaded when it is first needed: it is large.
 */
async function byLibrary(json: JsonObject | undefined, tools: Tools): Promise<Lent<string>> {
  try {
    const { GoogleAuth } = await import("google-auth-library");
    const auth = new GoogleAuth({ scopes: SCOPE, ...(json && { credentials: json }) });
    const client = await auth.getClient();
    const { token } = await client.getAccessToken();
    if (typeof token !== "string" || token === "") throw new Error("no token was given");
    const end = client.credentials.expiry_date;
    return { thing: token, expiresAt: end ?? tools.wallNow() + UNTOLD_MS };
  } catch (thrown) {
    const what =
      json === undefined ? "the environment has no credential that Google takes" : "its credential was refused";
    throw refused(what, undefined, thrown);
  }
}

function refused(why: string, upstreamStatus?: number, cause?: unknown): GatewayError {
  const what = "the operator must check vertex_credentials, or the workload's own identity";
  return new GatewayError(
    `Google gave no token for Vertex AI (${why}); ${what}.`,
    { reason: "UPSTREAM_CREDENTIALS", ...(upstreamStatus !== undefined && { upstreamStatus }) },
    cause,
  );
}

/** Google's own word: its description may name the account. */
function whyOf({ error }: JsonObject, status: number): string {
  return typeof error === "string" && /^[\w.-]{1,60}$/.test(error) ? error : `status ${status}`;
}
