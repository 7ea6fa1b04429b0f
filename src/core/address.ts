import { isIP, isIPv4 } from "node:net";

/**
 * What lies behind an address. All but `public` belong to this machine, to the network around it, or to nobody:
 * `metadata` is where clouds hand out credentials, `shared` is carrier NAT (RFC 6598, also used by Tailscale).
 */
export type AddressKind =
  | "public"
  | "loopback"
  | "private"
  | "shared"
  | "link-local"
  | "metadata"
  | "multicast"
  | "unspecified"
  | "reserved";

/** Addresses that begin with the same bits. */
export interface Block {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** The first that holds an address decides. https://www.iana.org/assignments/iana-ipv4-special-registry */
const IPV4 = table([
  // AWS, GCP, Azure and others; ECS and EKS credentials; Alibaba; Oracle; Azure's own agent.
  ["metadata", "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 100.100.100.200/32 192.0.0.192/32"],
  ["metadata", "168.63.129.16/32"],
  ["unspecified", "0.0.0.0/8"],
  ["loopback", "127.0.0.0/8"],
  ["private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"],
  ["shared", "100.64.0.0/10"],
  ["link-local", "169.254.0.0/16"],
  ["multicast", "224.0.0.0/4"],
  ["reserved", "192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4"],
  ["public", "0.0.0.0/0"],
]);

/** https://www.iana.org/assignments/iana-ipv6-special-registry */
const IPV6 = table([
  ["metadata", "fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128"],
  ["unspecified", "::/128"],
  ["loopback", "::1/128"],
  ["private", "fc00::/7 fec0::/10 64:ff9b:1::/48"],
  ["link-local", "fe80::/10"],
  ["multicast", "ff00::/8"],
  // Teredo and the other assignments for protocols, and documentation.
  ["reserved", "2001::/23 2001:db8::/32 3fff::/20"],
  // Nothing else is routed yet.
  ["public", "2000::/3"],
  ["reserved", "::/0"],
]);

/** IPv6 that carries IPv4, and at which byte: mapped, NAT64, 6to4. The gateway at the other end dials the IPv4. */
const EMBEDDED: readonly (readonly [Block, number])[] = [
  [knownBlock("::ffff:0:0/96"), 12],
  [knownBlock("::ffff:0:0:0/96"), 12],
  [knownBlock("64:ff9b::/96"), 12],
  [knownBlock("2002::/16"), 2],
];

/** Whether nobody from another machine can come to what listens on this host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || addressKind(host) === "loopback";
}

/** Of an IPv4 or IPv6 address in its plain spelling; anything else is `reserved`. */
export function addressKind(address: string): AddressKind {
  const bytes = bytesOf(address);
  if (bytes === undefined) return "reserved";
  return kindOf(innermost(bytes));
}

/** What may be dialed although it is not public: a name, an address, or a block of addresses. */
export interface Allowed {
  /** In lower case, without the last dot. */
  readonly name: string | undefined;
  readonly block: Block | undefined;
}

/** `10.1.0.0/16`, `192.168.1.5`, `fd12::/64` or `llm.example.internal`; `undefined`: none of these. */
export function readAllowed(text: string): Allowed | undefined {
  const block = blockOf(text);
  if (block !== undefined) return { name: undefined, block };
  const name = plainName(text);
  // A number in its last place makes it a spelling of an address: 0x7f.1, 2130706433, 10.1.
  const isName = /^[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/.test(name);
  return isName && name.length <= 253 && !/(^|\.)(\d+|0x[\da-f]*)$/.test(name) ? { name, block: undefined } : undefined;
}

/** Whether the entry speaks of this address. An address of `metadata` is meant only by an entry for it alone. */
export function allowsAddress({ block }: Allowed, address: string): boolean {
  const given = bytesOf(address);
  if (given === undefined || block === undefined) return false;
  for (const bytes of [given, innermost(given)]) {
    if (!holds(block, bytes)) continue;
    if (kindOf(innermost(bytes)) !== "metadata" || block.bits === block.bytes.length * 8) return true;
  }
  return false;
}

/** A host's name as it is compared: in lower case, without brackets and the last dot. */
export function plainName(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}

function kindOf(bytes: Uint8Array): AddressKind {
  for (const [kind, block] of bytes.length === 4 ? IPV4 : IPV6) if (holds(block, bytes)) return kind;
  return "reserved";
}

function innermost(bytes: Uint8Array): Uint8Array {
  const found = EMBEDDED.find(([block]) => holds(block, bytes));
  return found === undefined ? bytes : bytes.subarray(found[1], found[1] + 4);
}

function holds({ bytes, bits }: Block, address: Uint8Array): boolean {
  if (address.length !== bytes.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== bytes[i]) return false;
  const rest = 8 - (bits & 7);
  return rest === 8 || address[whole]! >> rest === bytes[whole]! >> rest;
}

function table(rows: readonly (readonly [AddressKind, string])[]): readonly (readonly [AddressKind, Block])[] {
  return rows.flatMap(([kind, blocks]) => blocks.split(" ").map((text) => [kind, knownBlock(text)] as const));
}

/** Of a spelling that is right: Node's check of IPv6 is an expression that takes as long to compile as this whole module. */
function knownBlock(text: string): Block {
  const [address, bits] = text.split("/") as [string, string];
  return { bytes: address.includes(":") ? sixteen(address) : four(address), bits: Number(bits) };
}

/** An address alone is a block of one. */
function blockOf(text: string): Block | undefined {
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = bytesOf(address);
  if (bytes === undefined) return undefined;
  const most = bytes.length * 8;
  const wanted = bits === undefined ? most : Number(bits);
  return wanted <= most ? { bytes, bits: wanted } : undefined;
}

function bytesOf(address: string): Uint8Array | undefined {
  const family = isIP(address);
  if (family === 4) return four(address);
  return family !== 6 || address.includes("%") ? undefined : sixteen(address);
}

function four(address: string): Uint8Array {
  return Uint8Array.from(address.split("."), Number);
}

function sixteen(address: string): Uint8Array {
  const [head = "", tail] = address.split("::", 2);
  const front = groupsOf(head);
  const back = groupsOf(tail ?? "");
  const zeros = Array.from({ length: 16 - front.length - back.length }, () => 0);
  return Uint8Array.from([...front, ...zeros, ...back]);
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (isIPv4(group)) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
