import { ownText } from "../core/own-text.ts";
import type { ReplyHeaders } from "../core/provider.ts";
import { TOKEN } from "./grammar.ts";

/** What a provider's answer said that HTTP/1.1 has no reading for. The connection is of no more use. */
export class AnswerMalformed extends Error {
  readonly code = "ANSWER_MALFORMED";
  constructor(what: string) {
    super(`the answer is not HTTP/1.1: ${what}`);
    this.name = "AnswerMalformed";
  }
}

/** The head of an answer, and what it says of the body and of the connection. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: ReplyHeaders;
  /** Bytes of the body; `chunked`; `close`: all up to the end of the connection. */
  readonly body: number | "chunked" | "close";
  /** Milliseconds that the connection may be idle after this answer; `undefined`: as long as we like. 0: it is closed. */
  readonly keepMs: number | undefined;
}

/** How much sooner than a server says a connection is given up: a question must not cross its end on the wire. */
const HINT_MARGIN_MS = 2_000;
const MAX_HINT_MS = 600_000;

const USUAL = "HTTP/1.1 200 OK\r\n";
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?\r\n/;
/** No other control characters, and no end of line that half of the readers in the world take for none. */
const PLAIN = /^(?:[\t\x20-\x7e\x80-\xff]*\r\n)+$/;
const LENGTH = /^\d{1,15}$/;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const CHUNKED = /chunked/i;
const LAST_CHUNKED = /(?:^|,) *chunked *$/i;
const HINT = /(?:^|,)[\t ]*timeout=(\d+)/i;
const TAB = 9;
const SPACE = 32;

/** Names as they are sent -> in lower case. Filled by what is met, up to a bound. */
const names = new Map<string, string>();
const MAX_NAMES = 500;
const MAX_KNOWN_LENGTH = 60;

/**
 * Reads a head. As strict as llhttp, which undici reads with: of a thing that two readers could take in two ways nothing is taken.
 *
 * @param text In latin1, from the status line on; what follows `end` is not looked at.
 * @param end Where the empty line begins, with the CRLF of the line before it.
 */
export function readHead(text: string, end: number): AnswerHead {
  const head = text.slice(0, end + 2);
  assertPlain(head);
  let status = 200;
  let keeps = true;
  let at = USUAL.length;
  if (!head.startsWith(USUAL)) {
    const line = STATUS_LINE.exec(head);
    if (line === null) throw new AnswerMalformed("its status line");
    keeps = line[1] === "1";
    status = Number(line[2]);
    at = line[0].length;
  }
  const headers = readFields(head, at, head.length);
  const length = lengthOf(headers);
  const coding = headers["transfer-encoding"];
  if (Array.isArray(coding)) throw new AnswerMalformed("two transfer codings");
  if (coding !== undefined && length >= 0) throw new AnswerMalformed("a length and a transfer coding");
  let body: AnswerHead["body"] = length >= 0 ? length : "close";
  if (coding !== undefined && CHUNKED.test(coding)) {
    if (!LAST_CHUNKED.test(coding)) throw new AnswerMalformed("a coding around its chunks");
    body = "chunked";
  }
  if (status < 200 || status === 204 || status === 304) {
    // Of what is announced and may not be there, some of it could come all the same.
    if (length > 0 || coding !== undefined) keeps = false;
    body = 0;
  }
  if (keeps && headers["connection"] !== undefined) keeps = !CLOSE.test(String(headers["connection"]));
  if (status < 200 && !keeps) throw new AnswerMalformed("no answer can follow an informational one that closes");
  return { status, headers, body, keepMs: keeps && body !== "close" ? hintOf(headers["keep-alive"]) : 0 };
}

/** Throws when lines, the last one's end included, hold what no reader may be asked to make sense of. */
export function assertPlain(text: string): void {
  if (!PLAIN.test(text)) throw new AnswerMalformed("a foreign character in its head");
}

/** Reads lines of `name: value` from `at` to `end`, where the last one's CRLF ends. */
export function readFields(text: string, at: number, end: number): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  let from = at;
  while (from < end) {
    const stop = text.indexOf("\r\n", from);
    const colon = text.indexOf(":", from);
    if (colon < 0 || colon > stop) throw new AnswerMalformed("a header without a colon");
    const raw = text.slice(from, colon);
    const name = names.get(raw) ?? nameOf(raw);
    let start = colon + 1;
    for (let code = text.charCodeAt(start); code === SPACE || code === TAB; code = text.charCodeAt(start)) start++;
    const value = text.slice(start, stop);
    if (headers[name] === undefined) headers[name] = value;
    else addTo(headers, name, value);
    from = stop + 2;
  }
  return headers;
}

/** A further value; or the first of a name that every object has. */
function addTo(headers: Record<string, string | string[]>, name: string, value: string): void {
  const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (Array.isArray(before)) before.push(value);
  else {
    const all = before === undefined ? value : [before, value];
    Object.defineProperty(headers, name, { value: all, enumerable: true, configurable: true, writable: true });
  }
}

function nameOf(raw: string): string {
  if (!TOKEN.test(raw)) throw new AnswerMalformed("a header's name");
  const own = ownText(raw);
  const name = own.toLowerCase();
  if (names.size < MAX_NAMES && own.length <= MAX_KNOWN_LENGTH) names.set(own, name);
  return name;
}

/** -1: none is given. */
function lengthOf(headers: ReplyHeaders): number {
  const length = headers["content-length"];
  if (length === undefined) return -1;
  if (typeof length !== "string") throw new AnswerMalformed("two lengths");
  if (!LENGTH.test(length)) throw new AnswerMalformed("its length");
  return Number(length);
}

function hintOf(said: string | string[] | undefined): number | undefined {
  const seconds = said === undefined ? undefined : HINT.exec(String(said))?.[1];
  if (seconds === undefined) return undefined;
  return Math.max(0, Math.min(Number(seconds) * 1_000 - HINT_MARGIN_MS, MAX_HINT_MS));
}
