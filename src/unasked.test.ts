import { describe, expect, it } from "vitest";
import { ANYBODY, GUEST } from "./core/grants.ts";
import { unaskedAt } from "./unasked.ts";

describe("where nobody is asked for a key", () => {
  it.each([
    undefined,
    "127.0.0.1:5000",
    "localhost",
    "LOCALHOST:80",
    "[::1]:5000",
    "127.9.9.9",
    "gateway.localhost:5000",
  ])("one who asks this machine's own address for %s may do everything", (host) => {
    expect(unaskedAt("127.0.0.1")({ headers: { host } }, [])).toBe(ANYBODY);
    expect(unaskedAt("::1")({ headers: { ":authority": host } }, [])).toBe(ANYBODY);
  });

  it.each([
    "evil.example",
    "evil.example:5000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "",
    "a b",
    "10.0.0.1",
    "127.0.0.1@evil.example",
    "evil.example@127.0.0.1",
    "0.0.0.0:5000",
  ])("one who asks for %j is a guest, as a page is whose name leads here", (host) => {
    const who = unaskedAt("localhost");
    for (let again = 0; again < 2; again++) expect(who({ headers: { host } }, [])).toBe(GUEST);
  });

  it.each(["https://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:5000"])(
    "a page of another origin is a guest unless it is listed, also of this machine: %s",
    (origin) => {
      const headers = { host: "127.0.0.1:5000", origin };
      for (const origins of [[], ["*"]]) expect(unaskedAt("127.0.0.1")({ headers }, origins)).toBe(GUEST);
      expect(unaskedAt("127.0.0.1")({ headers }, [origin])).toBe(ANYBODY);
    },
  );

  it("the gateway's own page may do everything", () => {
    for (const host of ["127.0.0.1:5000", "localhost"])
      expect(unaskedAt("127.0.0.1")({ headers: { host, origin: `http://${host}` } }, [])).toBe(ANYBODY);
  });

  it.each(["x-forwarded-for", "forwarded", "x-real-ip", "via"])(
    "whom a proxy of this machine passes on is a guest, by %s",
    (name) => {
      expect(unaskedAt("127.0.0.1")({ headers: { host: "127.0.0.1:5000", [name]: "203.0.113.7" } }, [])).toBe(GUEST);
    },
  );

  it("everybody is a guest who comes to an address that others reach, whatever they call it", () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.1"])
      expect(unaskedAt(host)({ headers: { host: "localhost" } }, [])).toBe(GUEST);
  });

  it("names that are made up are forgotten, and answered all the same", () => {
    const who = unaskedAt("127.0.0.1");
    for (let n = 0; n < 1_000; n++) expect(who({ headers: { host: `${n}.example` } }, [])).toBe(GUEST);
    expect(who({ headers: { host: "localhost" } }, [])).toBe(ANYBODY);
  });
});
