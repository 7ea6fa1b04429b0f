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
    expect(unaskedAt("127.0.0.1")({ headers: { host } })).toBe(ANYBODY);
    expect(unaskedAt("::1")({ headers: { ":authority": host } })).toBe(ANYBODY);
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
  ])("one who asks for %j is a guest, as a page is whose name leads here", (host) => {
    const who = unaskedAt("localhost");
    for (let again = 0; again < 2; again++) expect(who({ headers: { host } })).toBe(GUEST);
  });

  it("everybody is a guest who comes to an address that others reach, whatever they call it", () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.1"])
      expect(unaskedAt(host)({ headers: { host: "localhost" } })).toBe(GUEST);
  });

  it("names that are made up are forgotten, and answered all the same", () => {
    const who = unaskedAt("127.0.0.1");
    for (let n = 0; n < 1_000; n++) expect(who({ headers: { host: `${n}.example` } })).toBe(GUEST);
    expect(who({ headers: { host: "localhost" } })).toBe(ANYBODY);
  });
});
