import { GatewayError } from "../../core/errors.ts";
import type { Head } from "../../core/policy.ts";

/** Characters; a longer one is not hashed. */
export const MAX_KEY = 1024;

/** Where Google's clients may put the key into the query. */
const GOOGLE_PATHS = /^\/v1(?:beta\/|\/models\/[^/]+:\w+$)/;

/** One refusal for all: it does not tell a caller without a key from one whose key is nearly right. */
const UNKNOWN = new GatewayError(
  "This gateway wants a key that it knows, in the header authorization (Bearer), x-api-key, api-key or x-goog-api-key.",
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
 * The one header with a credential: `Authorization`, `x-api-key`, `api-key` or `x-goog-api-key`. gRPC's metadata are the same headers.
 * On the paths of Google's API the query's `key` is one too; elsewhere a key in an address is none, for addresses are logged.
 * `undefined`: none. Throws BODY_MALFORMED when there are two, of which others on the way may have read the other one.
 */
export function credentialIn({
  headers,
  path,
  query = "",
}: Pick<Head, "headers" | "path" | "query">): Shown | undefined {
  const { authorization } = headers;
  const xApiKey = headers["x-api-key"];
  const apiKey = headers["api-key"];
  const googles = headers["x-goog-api-key"];
  const inQuery = query !== "" && GOOGLE_PATHS.test(path) ? keyOf(query) : undefined;
  const given =
    Number(authorization !== undefined) +
    Number(xApiKey !== undefined) +
    Number(apiKey !== undefined) +
    Number(googles !== undefined) +
    Number(inQuery !== undefined);
  if (given > 1) {
    const headersOf = "authorization, x-api-key, api-key and x-goog-api-key";
    throw new GatewayError(`There is more than one credential; send one of ${headersOf}.`, {
      reason: "BODY_MALFORMED",
      http: 400,
    });
  }
  const text = authorization ?? xApiKey ?? apiKey ?? googles ?? inQuery;
  // A list is a header that came twice, which the port refuses.
  if (typeof text !== "string") return undefined;
  return { by: authorization === undefined ? "key" : "authorization", text };
}

function keyOf(query: string): string | undefined {
  return query.includes("key=") ? (new URLSearchParams(query).get("key") ?? undefined) : undefined;
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
