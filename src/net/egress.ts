import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { type AddressKind, addressKind, allowsAddress, plainName, readAllowed } from "../core/address.ts";

/**
 * Who named an origin. `file`: the operator, in the config file: what it names of this machine and of the network around it is
 * meant. `api`: somebody over the network: only what is public, or allowed.
 */
export type NamedBy = "file" | "api";

/** What may be dialed. Immutable; two of the same `key` say the same. */
export interface Egress {
  readonly key: string;
  /** Why the origin may not be dialed whatever its name resolves to, for the operator; `undefined`: its addresses decide. */
  refuseOrigin(origin: string): string | undefined;
  /** Why a host may not be dialed at an address; `undefined`: it may. Asked for every address, after DNS. */
  refuse(host: string, address: string): string | undefined;
}

/** The message is for the log: it names addresses, which are not for callers. */
export class EgressRefused extends Error {
  readonly code = "EGRESS_REFUSED";
  constructor(why: string) {
    super(why);
    this.name = "EgressRefused";
  }
}

/** Kinds that an operator means by writing them down. Metadata, multicast and the rest take an entry in `egress.allow`. */
const OURS: ReadonlySet<AddressKind> = new Set(["loopback", "private", "shared"]);
const LOCALHOST = /(^|\.)localhost$/;
/** Names that the public DNS does not have, so that nobody outside can point one at us. RFC 6761, 6762 appendix G, 8375. */
const PRIVATE_NAME = /^[^.]+$|\.(localhost|local|internal|intranet|private|corp|home|lan|test|home\.arpa)$/;
/** Whatever they resolve to. */
const METADATA_NAME = /^(metadata\.google\.internal|metadata\.goog|instance-data(\.ec2\.internal)?)$/;

/** @param allow Entries of `egress.allow`: names, addresses, blocks; one that is none of these is ignored. */
export function egressOf(allow: readonly string[], by: NamedBy): Egress {
  const allowed = allow.flatMap((text) => readAllowed(text) ?? []);
  const named = (host: string) => allowed.some(({ name }) => name === host);

  /** Whether the host's own spelling says that it is near, and the operator wrote it. */
  function meant(host: string, kind: AddressKind): boolean {
    if (by !== "file" || !OURS.has(kind)) return false;
    if (LOCALHOST.test(host)) return kind === "loopback";
    return isIP(host) !== 0 || PRIVATE_NAME.test(host);
  }

  function refuse(host: string, address: string): string | undefined {
    const name = plainName(host);
    const kind = addressKind(address);
    if (named(name) || allowed.some((entry) => allowsAddress(entry, address))) return undefined;
    if (METADATA_NAME.test(name)) return `${name} hands out credentials${ADVICE}`;
    if (kind === "public" || meant(name, kind)) return undefined;
    const what = name === address ? name : `${name} resolves to ${address}, which`;
    return `${what} is ${WORDS[kind]}${ADVICE}`;
  }

  return {
    key: `${by} ${[...allow].sort().join(" ")}`,
    refuse,
    refuseOrigin(origin) {
      const host = plainName(new URL(origin).hostname);
      if (isIP(host) !== 0) return refuse(host, host);
      if (named(host)) return undefined;
      if (METADATA_NAME.test(host)) return `${host} hands out credentials${ADVICE}`;
      if (by === "api" && PRIVATE_NAME.test(host)) return `${host} is a name of this machine or its network${ADVICE}`;
      return undefined;
    },
  };
}

const ADVICE = "; list it under egress.allow if it is meant";
const WORDS: Readonly<Record<AddressKind, string>> = {
  public: "public",
  loopback: "this machine",
  private: "a private address",
  shared: "an address behind a carrier's NAT",
  "link-local": "a link-local address",
  metadata: "where a cloud hands out credentials",
  multicast: "a multicast address",
  unspecified: "no address to dial",
  reserved: "reserved",
};

/**
 * Names to addresses, as `net.connect` wants it: refused as a whole when one address may not be dialed, so that no order of
 * the answer and no second look-up gets past. What it gives is what is dialed.
 *
 * @param resolve Default: the system's resolver, `/etc/hosts` included. It runs on libuv's threads, of which there are four.
 */
export function guardedLookup(
  egress: Egress,
  resolve: LookupFunction = systemLookup as LookupFunction,
): LookupFunction {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) {
        done(error, []);
        return;
      }
      const all = typeof found === "string" ? [{ address: found, family: isIP(found) }] : found;
      for (const { address } of all) {
        const why = egress.refuse(host, address);
        if (why === undefined) continue;
        done(new EgressRefused(why), []);
        return;
      }
      const first = all[0];
      if (first === undefined) done(Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" }), []);
      else if (options.all) done(null, all);
      else done(null, first.address, first.family);
    });
  };
}
