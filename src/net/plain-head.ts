import { ownText } from "../core/own-text.ts";

/** The head of a request that leaves no doubt. */
export interface PlainHead {
  readonly method: "GET" | "POST";
  /** Path and query, as they came. */
  readonly target: string;
  /** By lower-case name; none stands there twice. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the head, the empty line included. */
  readonly bytes: number;
  /** Bytes of the body that follows. */
  readonly bodyBytes: number;
}

/** What a head may be at most. */
export interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

const END = Buffer.from("\r\n\r\n");
const VERSION = " HTTP/1.1";
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;

/** By code: 1 where a name may have it, 2 where a target may, 4 where a value may. RFC 9110 sections 5.1 and 5.5, RFC 3986. */
const KINDS = new Uint8Array(256);
const NAME = 1;
const TARGET = 2;
const VALUE = 4;
for (let code = 0x20; code < 0x7f; code++) KINDS[code]! |= VALUE;
for (let code = 0x21; code < 0x7f; code++) if (code !== 0x23) KINDS[code]! |= TARGET;
for (const one of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") KINDS[one.charCodeAt(0)]! |= NAME;

/** Headers that say of a request that it is not as plain as the others, or how its bytes are to be read; one is always a list. */
const SPECIAL = new Set([
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Most names that are known by their spelling, and how long; a caller may make up any. */
const MAX_NAMES = 256;
const MAX_NAME_LENGTH = 64;
/** Lower-case names by the spelling that came; empty for those that are special. */
const names = new Map<string, string>();

/**
 * Reads the head of a request when it is whole, of HTTP/1.1, and such that no two servers could read it in two ways: GET without a
 * body or POST with one length, a path for a target, one host, names of letters, digits and hyphens that stand there once,
 * values of printable ASCII, CRLF alone, and nothing that asks for more than an answer. All else is for the server's full
 * parser, which may well take it.
 *
 * @returns `undefined`: it is not one, or its end has not come.
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export function plainHead(bytes: Buffer, limits: HeadLimits): PlainHead | undefined {
  const end = bytes.indexOf(END);
  if (end < 0 || end > limits.maxHeaderBytes) return undefined;
  // Each line with its CRLF.
  const text = bytes.toString("latin1", 0, end + 2);
  const method = text.startsWith("POST /") ? "POST" : text.startsWith("GET /") ? "GET" : undefined;
  if (method === undefined) return undefined;
  const start = method.length + 1;
  const over = run(text, start, TARGET);
  const line = over + VERSION.length;
  if (!text.startsWith(VERSION, over) || !endsLine(text, line)) return undefined;
  const headers: Record<string, string> = {};
  const count = readHeaders(text, line + 2, headers);
  if (count < 0 || count > limits.maxHeaders || !headers["host"]) return undefined;
  const { connection } = headers;
  if (connection !== undefined && connection !== "keep-alive" && connection !== "Keep-Alive") return undefined;
  const bodyBytes = lengthOf(headers["content-length"]);
  if (bodyBytes === undefined ? method === "POST" : bodyBytes < 0 || method === "GET") return undefined;
  return { method, target: text.slice(start, over), headers, bytes: end + END.length, bodyBytes: bodyBytes ?? 0 };
}

/** How many there are; below 0: one is not plain. */
function readHeaders(text: string, from: number, headers: Record<string, string>): number {
  let count = 0;
  for (let at = from; at < text.length; count++) {
    const colon = run(text, at, NAME);
    if (text.charCodeAt(colon) !== COLON) return -1;
    const name = nameOf(text.slice(at, colon));
    // What objects have by themselves is taken for given, and is nobody's header.
    if (name === "" || headers[name] !== undefined) return -1;
    const begin = colon + (text.charCodeAt(colon + 1) === SPACE ? 2 : 1);
    const end = run(text, begin, VALUE);
    // Spaces around a value are no part of it, and nearly nobody sends them.
    if (!endsLine(text, end) || text.charCodeAt(begin) === SPACE || text.charCodeAt(end - 1) === SPACE) return -1;
    headers[name] = text.slice(begin, end);
    at = end + 2;
  }
  return count;
}

/** Where the first character stands that is not of a kind. */
function run(text: string, from: number, kind: number): number {
  let at = from;
  while ((KINDS[text.charCodeAt(at)]! & kind) !== 0) at++;
  return at;
}

function endsLine(text: string, at: number): boolean {
  return text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF;
}

/** Empty: it is no name, or a special one. */
function nameOf(spelled: string): string {
  const known = names.get(spelled);
  if (known !== undefined) return known;
  const own = ownText(spelled);
  const lower = own.toLowerCase();
  const name = SPECIAL.has(lower) ? "" : lower;
  if (names.size < MAX_NAMES && own.length <= MAX_NAME_LENGTH) names.set(own, name);
  return name;
}

/** Below 0: it is none. */
function lengthOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}
