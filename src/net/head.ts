import { type ServerResponse, STATUS_CODES, validateHeaderName, validateHeaderValue } from "node:http";
import type { FlatHeaders } from "../core/protocol.ts";

/** What a value may hold. RFC 9110 section 5.5 */
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Headers by which `node:http` decides how an answer is framed and whether the connection stays. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "date",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Most names that are known to be plain; an answer has few. */
const MAX_NAMES = 256;
const plain = new Set<string>();
const firstLines = new Map<number, string>();

/** `node:http`'s own step behind `writeHead`: the first line, which may be followed by more, and the headers that it looks at. */
type Storing = ServerResponse & { readonly _storeHeader?: (first: string, headers: readonly string[]) => void };

/**
 * Begins an answer as `writeHead` does, in a third of the time: only headers by which `node:http` decides something go through
 * its own checks of every name and value, and the others are checked here. Throws as `writeHead` does on a header that cannot be
 * sent.
 *
 * @param length Bytes of the body; `undefined`: it is sent in chunks.
 */
export function writeHead(
  response: ServerResponse,
  status: number,
  headers: FlatHeaders,
  always: FlatHeaders,
  length: number | undefined,
): void {
  const sized = length === undefined || !hasBody(status) ? NONE : ["content-length", String(length)];
  const { _storeHeader: store } = response as Storing;
  let text: string | undefined;
  // What is special about these, `node:http` knows best.
  if (store !== undefined && status >= 200 && hasBody(status) && !("expect" in response.req.headers)) {
    text = plainLines(status, headers, always);
  }
  if (text === undefined) {
    response.writeHead(status, [...headers, ...sized, ...always]);
    return;
  }
  response.statusCode = status;
  store!.call(response, text, sized);
}

const NONE: readonly string[] = [];

/** Whether an answer of a status has a body, and so a length. RFC 9110 sections 15.3.5 and 15.4.5 */
export function hasBody(status: number): boolean {
  return status !== 204 && status !== 304;
}

/**
 * The first line and the headers, each with its CRLF. `undefined`: one of them frames the answer or cannot be sent.
 */
export function plainLines(status: number, headers: FlatHeaders, always: FlatHeaders): string | undefined {
  return lines(lines(firstLine(status), headers), always);
}

/**
 * As `plainLines`, without the headers that frame the answer. Throws as `node:http` does on a header that cannot be sent.
 */
export function unframedLines(status: number, headers: FlatHeaders): string {
  let text = firstLine(status);
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    validateHeaderName(name);
    validateHeaderValue(name, value);
    if (!FRAMING.has(name.toLowerCase())) text += `${name}: ${value}\r\n`;
  }
  return text;
}

function firstLine(status: number): string {
  let line = firstLines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
    firstLines.set(status, line);
  }
  return line;
}

/** `undefined`: one of them is not for here. */
function lines(begun: string | undefined, headers: FlatHeaders): string | undefined {
  if (begun === undefined) return undefined;
  let text = begun;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (!(plain.has(name) || isPlain(name)) || BAD_VALUE.test(value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

function isPlain(name: string): boolean {
  if (!NAME.test(name) || FRAMING.has(name.toLowerCase())) return false;
  if (plain.size < MAX_NAMES) plain.add(name);
  return true;
}
