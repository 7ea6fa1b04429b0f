import { isLoopback } from "./core/address.ts";
import { ANYBODY, GUEST } from "./core/grants.ts";
import type { Principal } from "./core/principal.ts";
import type { Inbound } from "./core/protocol.ts";

/** Names by which a gateway was asked for that are remembered; there are few, and who asks can make them up. */
const MAX_NAMES = 256;

/** Whom a request without a key is taken for. @param origins Of pages that may call: `listen.cors.allowed_origins`. */
export type Unasked = (inbound: Pick<Inbound, "headers">, origins: readonly string[]) => Principal;

/**
 * Whom a caller is taken for where nobody is asked for a key, by the host that the port listens on. On this machine's own address
 * everything is allowed to who asks for the gateway by such an address, but for those who may come from elsewhere, and are guests:
 *
 * - Another name may be that of a page of another site which was made to lead here: a browser takes what the page sends for a
 *   request to its own site.
 * - A page of another origin, which a browser lets send some requests without asking; one that is listed is meant. `*` lists none.
 * - What a proxy passes on may be from anywhere, though the proxy is on this machine.
 *
 * @see https://fetch.spec.whatwg.org/#dns-rebinding
 */
export function unaskedAt(host: string): Unasked {
  if (!isLoopback(host)) return () => GUEST;
  const known = new Map<unknown, Principal>([[undefined, ANYBODY]]);
  return ({ headers }, origins) => {
    const authority = headers[":authority"] ?? headers["host"];
    if (isPassedOn(headers)) return GUEST;
    const { origin } = headers;
    if (origin !== undefined && !isOwnPage(origin, authority) && !origins.includes(String(origin))) return GUEST;
    let who = known.get(authority);
    if (who === undefined) {
      who = isOwnName(String(authority)) ? ANYBODY : GUEST;
      if (known.size < MAX_NAMES) known.set(authority, who);
    }
    return who;
  };
}

/** @see RFC 7239, RFC 9110 section 7.6.3 */
function isPassedOn(headers: Inbound["headers"]): boolean {
  return (
    headers["x-forwarded-for"] !== undefined ||
    headers["forwarded"] !== undefined ||
    headers["x-real-ip"] !== undefined ||
    headers["via"] !== undefined
  );
}

function isOwnPage(origin: unknown, authority: unknown): boolean {
  const text = String(origin);
  return URL.canParse(text) && new URL(text).host === String(authority).toLowerCase();
}

function isOwnName(authority: string): boolean {
  const url = `http://${authority}/`;
  if (authority.includes("@") || !URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return isLoopback(name) || name.endsWith(".localhost");
}
