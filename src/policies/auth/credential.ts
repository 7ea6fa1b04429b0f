import type { HeaderMap } from "../../core/call.ts";
import { GatewayError } from "../../core/errors.ts";

/** Characters; a longer one is not hashed. */
export const MAX_KEY = 1024;

/** One refusal for all: it does not tell a caller without a key from one whose key is nearly right. */
const UNKNOWN = new GatewayError(
  "This gateway wants a key that it knows, in the header authorization (Bearer), x-api-key or api-key.",
  { reason: "CALLER_UNKNOWN" },
);

/** What a caller who is not known gets. */
export function unknownCaller(): GatewayError {
  return UNKNOWN;
}

/** The header that a request shows, and which one it is. */
export interface Shown {
  readonly by: "authorization" | "key";
  readonly text: string;
}

/**
 * The one header with a credential: `Authorization`, `x-api-key` or `api-key`. gRPC's metadata are the same headers. `undefined`:
 * none. Throws BODY_MALFORMED when there are two, of which others on the way may have read the other one.
 */
export function credentialIn(headers: HeaderMap): Shown | undefined {
  const { authorization } = headers;
  const xApiKey = headers["x-api-key"];
  const apiKey = headers["api-key"];
  const given = Number(authorization !== undefined) + Number(xApiKey !== undefined) + Number(apiKey !== undefined);
  if (given > 1) {
    throw new GatewayError("There is more than one credential; send one of authorization, x-api-key and api-key.", {
      reason: "BODY_MALFORMED",
      http: 400,
    });
  }
  const text = authorization ?? xApiKey ?? apiKey;
  // A list is a header that came twice, which the port refuses.
  if (typeof text !== "string") return undefined;
  return { by: authorization === undefined ? "key" : "authorization", text };
}

/**
 * The key that a header shows: `Authorization: Bearer KEY`, the password of `Authorization: Basic`, or all of the others.
 * `undefined`: none that could be one.
 * @see RFC 6750 section 2.1, RFC 7617 section 2
 */
export function keyIn({ by, text }: Shown): string | undefined {
  const key = by === "key" ? text : fromAuthorization(text);
  return key === undefined || key === "" || key.length > MAX_KEY ? undefined : key;
}

function fromAuthorization(text: string): string | undefined {
  const space = text.indexOf(" ");
  const scheme = text.slice(0, Math.max(0, space)).toLowerCase();
  const rest = text.slice(space + 1).trim();
  if (scheme === "bearer") return rest;
  if (scheme !== "basic") return undefined;
  const pair = Buffer.from(rest, "base64").toString("latin1");
  const colon = pair.indexOf(":");
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
