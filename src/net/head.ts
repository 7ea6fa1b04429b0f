import { STATUS_CODES, validateHeaderName, validateHeaderValue } from "node:http";
import type { FlatHeaders } from "../core/protocol.ts";
import { FOREIGN_IN_VALUE, TOKEN } from "./grammar.ts";

/** Headers that say how an answer is framed and whether the connection stays: the port's business. */
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
    if (!(plain.has(name) || isPlain(name)) || FOREIGN_IN_VALUE.test(value)) return undefined;
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

function isPlain(name: string): boolean {
  if (!TOKEN.test(name) || FRAMING.has(name.toLowerCase())) return false;
  if (plain.size < MAX_NAMES) plain.add(name);
  return true;
}
