import { createHash } from "node:crypto";
import { errors } from "../core/errors.ts";
import { isObject, parsedObject } from "../core/json.ts";

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;

/** A page's question, as all requests have it. */
export interface PageRequest {
  /** 0: 50. More than 1000 is read as 1000. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** Entries that the page may have. */
export const pageSizeOf = ({ pageSize }: Pick<PageRequest, "pageSize">): number =>
  Math.min(pageSize || DEFAULT_PAGE, MAX_PAGE);

/**
 * Where the page begins that a token asks for; `undefined`: it is the first. Throws FIELD_INVALID when the token was given out for
 * another question. https://google.aip.dev/158
 *
 * @param question All that decides what is listed, such as the filter.
 */
export function readToken(token: string, question: readonly string[]): readonly [at: number, key: string] | undefined {
  if (token === "") return undefined;
  const read = parsedObject(Buffer.from(token, "base64url").toString()) ?? {};
  const { q, at, key } = isObject(read) ? read : {};
  if (
    q === digestOf(question) &&
    typeof at === "number" &&
    Number.isSafeInteger(at) &&
    at >= 0 &&
    typeof key === "string"
  )
    return [at, key];
  throw errors.fieldInvalid([
    { field: "page_token", description: "was not given out for this question; begin again without one" },
  ]);
}

/** The token of the page that begins at a number, or behind an entry. */
export function tokenOf(question: readonly string[], at: number, key = ""): string {
  return Buffer.from(JSON.stringify({ q: digestOf(question), at, key })).toString("base64url");
}

/**
 * A page of a list that is there whole. It begins behind the entry with which the page before ended, wherever that stands now;
 * when it is gone, where it stood.
 */
export function pageOf<Entry>(
  all: readonly Entry[],
  keyOf: (entry: Entry) => string,
  request: PageRequest,
  question: readonly string[],
): { readonly entries: readonly Entry[]; readonly nextPageToken: string } {
  const token = readToken(request.pageToken, question);
  const last = token ? all.findIndex((entry) => keyOf(entry) === token[1]) : -1;
  const start = last >= 0 ? last + 1 : (token?.[0] ?? 0);
  const end = start + pageSizeOf(request);
  const nextPageToken = end < all.length ? tokenOf(question, end - 1, keyOf(all[end - 1]!)) : "";
  return { entries: all.slice(start, end), nextPageToken };
}

const digestOf = (question: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(question)).digest("base64url").slice(0, 16);
