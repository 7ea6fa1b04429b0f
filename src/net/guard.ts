import type { IncomingMessage } from "node:http";
import { errors, GatewayError } from "../core/errors.ts";

/** Headers of which two must not be told apart by who reads the first and who the last. */
const ONCE = [
  "authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "transfer-encoding",
];
/** Nearly every header is none of these, as its length says. */
const LENGTHS = new Uint8Array(64);
for (const { length } of ONCE) LENGTHS[length] = 1;

/**
 * Why a head of HTTP/2 cannot be taken. nghttp2 only tells callers the limit of bytes, and takes 64 KiB whatever it is.
 *
 * @param maxBytes Of names and values, with 32 more for each, as SETTINGS_MAX_HEADER_LIST_SIZE counts them.
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2
 */
export function http2Flaw(
  rawHeaders: readonly string[],
  maxHeaders: number,
  maxBytes: number,
): GatewayError | undefined {
  let bytes = rawHeaders.length * 16;
  for (const part of rawHeaders) bytes += part.length;
  if (bytes <= maxBytes) return headFlaw(rawHeaders, maxHeaders);
  const why = `The head of the request is over the limit of ${maxBytes} bytes.`;
  return new GatewayError(why, { reason: "BODY_TOO_LARGE", http: 431 });
}

/** Why a head cannot be taken, in either version: too many headers, or one that may stand there once. */
export function headFlaw(rawHeaders: readonly string[], maxHeaders: number): GatewayError | undefined {
  if (rawHeaders.length > maxHeaders * 2) {
    const why = `The request has more than the limit of ${maxHeaders} headers.`;
    return new GatewayError(why, { reason: "BODY_TOO_LARGE", http: 431 });
  }
  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    if (LENGTHS[raw.length] !== 1) continue;
    const at = ONCE.indexOf(raw.toLowerCase());
    if (at < 0) continue;
    if (seen & (1 << at)) return errors.bodyMalformed(`The header ${ONCE[at]} is given more than once.`);
    seen |= 1 << at;
  }
  return undefined;
}

/**
 * Why an HTTP/1 request cannot be taken, beyond what the parser refuses by itself: what another server on the way could have
 * read in another way than we do. A target with scheme and authority is made a path.
 * @see https://www.rfc-editor.org/rfc/rfc9112
 */
export function http1Flaw(request: IncomingMessage, maxHeaders: number): GatewayError | undefined {
  const { rawHeaders, headers, httpVersionMajor, httpVersionMinor } = request;
  if (httpVersionMajor !== 1) {
    const version = `${httpVersionMajor}.${httpVersionMinor}`;
    const why = `HTTP/${version} is not spoken here; send HTTP/1.1, or HTTP/2 with its preface.`;
    return new GatewayError(why, { reason: "BODY_MALFORMED", http: 505 });
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (httpVersionMinor === 0) return errors.bodyMalformed("HTTP/1.0 has no transfer-encoding; send content-length.");
    if (coding.toLowerCase() !== "chunked") {
      const why = "The only transfer-encoding taken is chunked.";
      return new GatewayError(why, { reason: "OPERATION_UNSUPPORTED" });
    }
  }
  if (httpVersionMinor !== 0 && headers.expect !== undefined && headers.expect.toLowerCase() !== "100-continue") {
    const why = "The only expectation that is met is 100-continue.";
    return new GatewayError(why, { reason: "OPERATION_UNSUPPORTED", http: 417 });
  }
  if (httpVersionMinor !== 0 && !headers.host) return errors.bodyMalformed("The header host is missing.");
  const first = request.url!.charCodeAt(0);
  return headFlaw(rawHeaders, maxHeaders) ?? (first === SLASH || first === ASTERISK ? undefined : toPath(request));
}

const SLASH = 0x2f;
const ASTERISK = 0x2a;

/** `http://host/path` is what a proxy is asked; a server has to understand it all the same, when the host is its own. */
function toPath(request: IncomingMessage): GatewayError | undefined {
  const [, authority, path] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(request.url!) ?? [];
  if (authority === undefined || authority.toLowerCase() !== request.headers.host?.toLowerCase()) {
    return errors.bodyMalformed("The request's target is of another host; this is no proxy.");
  }
  request.url = path!.startsWith("/") ? path! : `/${path}`;
  return undefined;
}
