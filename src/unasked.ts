import { isLoopback } from "./core/address.ts";
import { ANYBODY, GUEST } from "./core/grants.ts";
import type { Principal } from "./core/principal.ts";
import type { Inbound } from "./core/protocol.ts";

/** Names by which a gateway was asked for that are remembered; there are few, and who asks can make them up. */
const MAX_NAMES = 256;

/**
 * Whom a caller is taken for where nobody is asked for a key, by the host that the port listens on. On this machine's own address
 * everything is allowed to who asks for the gateway by such an address. Another name may be that of a page of another site which
 * was made to lead here: a browser takes what the page sends for a request to its own site, so it is a guest.
 *
 * @see https://fetch.spec.whatwg.org/#dns-rebinding
 */
export function unaskedAt(host: string): (inbound: Pick<Inbound, "headers">) => Principal {
  if (!isLoopback(host)) return () => GUEST;
  const known = new Map<unknown, Principal>([[undefined, ANYBODY]]);
  return ({ headers }) => {
    const authority = headers[":authority"] ?? headers["host"];
    let who = known.get(authority);
    if (who === undefined) {
      who = isOwnName(String(authority)) ? ANYBODY : GUEST;
      if (known.size < MAX_NAMES) known.set(authority, who);
    }
    return who;
  };
}

function isOwnName(authority: string): boolean {
  const url = `http://${authority}/`;
  if (!URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return isLoopback(name) || name.endsWith(".localhost");
}
