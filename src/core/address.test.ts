import { describe, expect, it } from "vitest";
import { type AddressKind, addressKind, allowsAddress, plainName, readAllowed } from "./address.ts";

const KINDS: readonly (readonly [AddressKind, string])[] = [
  ["public", "8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 169.253.0.1 223.255.255.255"],
  ["public", "2606:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1"],
  ["loopback", "127.0.0.1 127.255.255.255 ::1 0:0:0:0:0:0:0:1"],
  ["loopback", "::ffff:127.0.0.1 ::ffff:7f00:1 64:ff9b::7f00:1 2002:7f00:1:: ::ffff:0:127.0.0.1"],
  ["private", "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fdff::1 fec0::1"],
  ["private", "::ffff:10.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 2002:c0a8:101::1"],
  ["shared", "100.64.0.1 100.127.255.255"],
  ["link-local", "169.254.1.1 fe80::1 febf::1 ::ffff:169.254.1.1"],
  ["metadata", "169.254.169.254 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 fd00:ec2::254 fd20:ce::254"],
  ["metadata", "::ffff:169.254.169.254 ::ffff:a9fe:a9fe 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1"],
  ["multicast", "224.0.0.1 239.255.255.255 ff02::1"],
  ["unspecified", "0.0.0.0 0.1.2.3 :: ::ffff:0.0.0.0"],
  ["reserved", "192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 240.0.0.1 255.255.255.255 2001:db8::1 2001::1 3fff::1"],
  // IPv4 in a form that no longer means anything, and space that nobody was given.
  ["reserved", "::7f00:1 ::127.0.0.1 100::1 5f00::1 4000::1"],
  ["reserved", "fe80::1%eth0 localhost 0x7f.1 127.1 2130706433 0177.0.0.1 010.0.0.1 256.1.1.1"],
];

describe("what lies behind an address", () => {
  it.each(KINDS)("is %s: %s", (kind, addresses) => {
    for (const address of addresses.split(" "))
      expect({ address, kind: addressKind(address) }).toEqual({ address, kind });
  });
});

describe("what may be dialed all the same", () => {
  const allows = (entry: string, address: string) => allowsAddress(readAllowed(entry)!, address);

  it("is an address, a block, or a name", () => {
    expect(allows("10.1.0.0/16", "10.1.255.9")).toBe(true);
    expect(allows("10.1.0.0/16", "10.2.0.1")).toBe(false);
    expect(allows("10.1.2.3", "10.1.2.3")).toBe(true);
    expect(allows("10.1.2.3", "10.1.2.4")).toBe(false);
    expect(allows("172.16.0.0/13", "172.23.0.1")).toBe(true);
    expect(allows("172.16.0.0/13", "172.24.0.1")).toBe(false);
    expect(allows("fd12:3456::/32", "fd12:3456:ffff::1")).toBe(true);
    expect(allows("fd12:3456::/32", "fd12:3457::1")).toBe(false);
    expect(readAllowed("LLM.Example.internal.")).toEqual({ name: "llm.example.internal", block: undefined });
  });

  it("is meant however the address is wrapped", () => {
    expect(allows("10.0.0.0/8", "::ffff:10.0.0.1")).toBe(true);
    expect(allows("10.0.0.0/8", "64:ff9b::a00:1")).toBe(true);
    expect(allows("::ffff:10.0.0.1", "::ffff:10.0.0.1")).toBe(true);
  });

  it("is never a place of credentials, but by an entry for it alone", () => {
    expect(allows("0.0.0.0/0", "169.254.169.254")).toBe(false);
    expect(allows("169.254.0.0/16", "::ffff:169.254.169.254")).toBe(false);
    expect(allows("::/0", "::ffff:169.254.169.254")).toBe(false);
    expect(allows("fd00::/8", "fd00:ec2::254")).toBe(false);
    expect(allows("169.254.169.254", "169.254.169.254")).toBe(true);
    expect(allows("fd00:ec2::254/128", "fd00:ec2::254")).toBe(true);
  });

  it.each([
    "",
    "10.0.0.0/33",
    "fd00::/129",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "0x7f.1",
    "127.1",
    "2130706433",
    "http://a.example",
    "a.example:80",
    "a b",
    "*.example",
    "-a.example",
    "a..example",
    `${"a".repeat(250)}.com`,
  ])("is not %j", (text) => {
    expect(readAllowed(text)).toBeUndefined();
  });

  it("compares names without case, brackets or the last dot", () => {
    expect(plainName("API.Example.COM.")).toBe("api.example.com");
    expect(plainName("[::1]")).toBe("::1");
  });
});
