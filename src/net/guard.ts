import { errors, type GatewayError } from "../core/errors.ts";
import type { Inbound } from "../core/protocol.ts";

/** Headers of which two must not be told apart by who reads the first and who the last. */
const ONCE = ["authorization", "x-api-key", "api-key", "host", "content-length"];

/** Refuses a request whose head can be read in two ways; `undefined`: it is well formed. */
export function wellFormed({ rawHeaders }: Inbound): GatewayError | undefined {
  let seen: string[] | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    // Lengths first: nearly every header is none of these.
    if (raw.length !== 13 && raw.length !== 9 && raw.length !== 7 && raw.length !== 4 && raw.length !== 14) continue;
    const name = raw.toLowerCase();
    if (!ONCE.includes(name)) continue;
    if (seen?.includes(name)) return errors.bodyMalformed(`The header ${name} is given more than once.`);
    seen = seen === undefined ? [name] : [...seen, name];
  }
  return undefined;
}
