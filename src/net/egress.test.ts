import type { LookupFunction } from "node:net";
import { describe, expect, it } from "vitest";
import { EgressRefused, egressOf, guardedLookup } from "./egress.ts";

const none = egressOf([], "api");
const file = egressOf([], "file");

describe("an origin", () => {
  it.each([
    "http://127.0.0.1:9100",
    "http://0x7f.1",
    "http://0177.0.0.1",
    "http://2130706433",
    "http://127.1",
    "http://[::1]:80",
    "http://[::ffff:127.0.0.1]",
    "http://[::ffff:7f00:1]",
    "https://10.0.0.1",
    "https://[64:ff9b::a00:1]",
    "https://[2002:c0a8:101::1]",
    "http://100.64.0.1",
    "http://localhost:11434",
    "http://LOCALHOST.:80",
    "http://a.localhost",
    "http://ollama:11434",
    "http://vault.internal",
    "http://printer.local",
    "http://router.home.arpa",
  ])("of this machine or its network is the operator's to name, and nobody else's: %s", (origin) => {
    expect(none.refuseOrigin(origin)).toMatch(/egress\.allow/);
    expect(file.refuseOrigin(origin)).toBeUndefined();
  });

  it.each([
    "http://169.254.169.254",
    "http://0xa9fea9fe",
    "http://[::ffff:169.254.169.254]",
    "http://[fd00:ec2::254]",
    "http://100.100.100.200",
    "http://metadata.google.internal",
    "http://METADATA.google.internal.",
    "http://instance-data.ec2.internal",
    "http://0.0.0.0:9100",
    "http://[::]",
    "http://224.0.0.1",
    "http://[fe80::1]",
    "http://255.255.255.255",
    "http://198.18.0.1",
  ])("that nobody means is refused even in a file: %s", (origin) => {
    expect(file.refuseOrigin(origin)).toMatch(/egress\.allow/);
    expect(none.refuseOrigin(origin)).toMatch(/egress\.allow/);
  });

  it.each(["https://api.openai.com", "https://8.8.8.8", "https://[2606:4700::1111]", "https://localhost.example.com"])(
    "of the public is anybody's to name: %s",
    (origin) => expect([none.refuseOrigin(origin), file.refuseOrigin(origin)]).toEqual([undefined, undefined]),
  );

  it("may be allowed by name, address or block, but metadata by itself alone", () => {
    const allow = egressOf(["Ollama", "10.0.0.0/8", "metadata.google.internal"], "api");
    expect(allow.refuseOrigin("http://ollama:11434")).toBeUndefined();
    expect(allow.refuseOrigin("http://10.9.8.7")).toBeUndefined();
    expect(allow.refuseOrigin("http://metadata.google.internal")).toBeUndefined();
    expect(allow.refuseOrigin("http://11434.ollama")).toBeUndefined();
    expect(allow.refuseOrigin("http://localhost")).toMatch(/this machine/);
    expect(egressOf(["0.0.0.0/0", "::/0"], "file").refuseOrigin("http://169.254.169.254")).toMatch(/credentials/);
    expect(egressOf(["169.254.169.254"], "file").refuseOrigin("http://169.254.169.254")).toBeUndefined();
  });
});

describe("a name, after DNS", () => {
  /** A resolver that knows these answers. */
  const knows = (addresses: readonly string[]): LookupFunction =>
    function resolve(_, __, done) {
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    };
  const look = (egress = file, addresses: readonly string[], host = "api.example.com") =>
    new Promise<string>((resolve, reject) => {
      guardedLookup(egress, knows(addresses))(host, { all: true }, (error, found) =>
        error ? reject(error) : resolve((found as { address: string }[]).map(({ address }) => address).join(" ")),
      );
    });

  it("is dialed at its public addresses", async () => {
    expect(await look(file, ["8.8.8.8", "2606:4700::1111"])).toBe("8.8.8.8 2606:4700::1111");
  });

  it.each([
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "::1",
    "fd00:ec2::254",
    "::ffff:10.0.0.1",
    "0.0.0.0",
    "fe80::1",
  ])("is refused when one address of many is %s, and says which", async (address) => {
    await expect(look(file, ["8.8.8.8", address, "1.1.1.1"])).rejects.toMatchObject({
      code: "EGRESS_REFUSED",
      message: expect.stringContaining(`api.example.com resolves to ${address}`),
    });
  });

  it("may lead to private addresses when no public DNS could have said so, and never to metadata", async () => {
    expect(await look(file, ["172.18.0.5"], "ollama")).toBe("172.18.0.5");
    expect(await look(file, ["10.96.0.10"], "llm.default.svc.cluster.local")).toBe("10.96.0.10");
    expect(await look(file, ["127.0.0.1", "::1"], "localhost")).toBe("127.0.0.1 ::1");
    await expect(look(none, ["172.18.0.5"], "ollama")).rejects.toBeInstanceOf(EgressRefused);
    await expect(look(file, ["169.254.169.254"], "ollama")).rejects.toBeInstanceOf(EgressRefused);
    await expect(look(file, ["10.0.0.1"], "localhost")).rejects.toBeInstanceOf(EgressRefused);
  });

  it("may lead where the config allows it", async () => {
    expect(await look(egressOf(["10.1.0.0/16"], "file"), ["10.1.2.3"])).toBe("10.1.2.3");
    expect(await look(egressOf(["api.example.com"], "file"), ["10.1.2.3"])).toBe("10.1.2.3");
    await expect(look(egressOf(["other.example.com"], "file"), ["10.1.2.3"])).rejects.toBeInstanceOf(EgressRefused);
  });

  it("without an address cannot be dialed, and one address is given as one", async () => {
    await expect(look(file, [])).rejects.toMatchObject({ code: "ENOTFOUND" });
    const one = await new Promise((resolve) =>
      guardedLookup(file, knows(["8.8.4.4"]))("a.example.com", {}, (_, address, family) => resolve([address, family])),
    );
    expect(one).toEqual(["8.8.4.4", 4]);
  });
});
