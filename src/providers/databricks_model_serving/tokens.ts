import { ask } from "../../core/ask.ts";
import { GatewayError } from "../../core/errors.ts";
import { parsedObject } from "../../core/json.ts";
import { Lease, type Lent } from "../../core/lease.ts";
import type { Maybe, Tools } from "../../core/provider.ts";

/** How long a token is used whose end nobody tells, in seconds: Databricks gives an hour. */
const LIFE = 3600;

/** Where the token of a call comes from. */
export interface Tokens {
  /** Throws, or rejects, with UPSTREAM_CREDENTIALS when Databricks gives none. */
  get(): Maybe<string>;
  /** Databricks did not take it. */
  refused(token: string): void;
}

/** A token that never changes. */
export function fixedToken(token: string): Tokens {
  return { get: () => token, refused: () => {} };
}

/** What a service principal is known by. */
export interface Principal {
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * Tokens that the workspace lends to a service principal, renewed before they end.
 *
 * @param prefix The path before `/oidc/v1/token`.
 * @see https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
 */
export function lentTokens(
  { clientId, clientSecret }: Principal,
  origin: string,
  prefix: string,
  tools: Tools,
): Tokens {
  if (tools.standIn) return { get: () => "***", refused: () => {} };
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  const form = ["content-type", "application/x-www-form-urlencoded", "accept-encoding", "identity"];
  const outgoing = {
    path: `${prefix}/oidc/v1/token`,
    headers: [...form, "authorization", `Basic ${basic}`],
    body: Buffer.from("grant_type=client_credentials&scope=all-apis"),
  };
  const borrow = async (): Promise<Lent<string>> => {
    const exchange = tools.dial?.(origin);
    if (exchange === undefined) throw refused("there is no network here");
    const now = tools.wallNow();
    const { status, body } = await ask(exchange, outgoing, tools.clock, "the Databricks workspace");
    const { access_token, expires_in, error } = parsedObject(body.toString("utf8")) ?? {};
    if (status !== 200 || typeof access_token !== "string") {
      const why = typeof error === "string" && /^[\w.-]{1,60}$/.test(error) ? error : `status ${status}`;
      throw refused(why, status);
    }
    return { thing: access_token, expiresAt: now + (typeof expires_in === "number" ? expires_in : LIFE) * 1000 };
  };
  return new Lease(borrow, () => tools.wallNow());
}

function refused(why: string, upstreamStatus?: number): GatewayError {
  const what = "the operator must check client_id and client_secret";
  return new GatewayError(`Databricks gave no token (${why}); ${what}.`, {
    reason: "UPSTREAM_CREDENTIALS",
    ...(upstreamStatus !== undefined && { upstreamStatus }),
  });
}
