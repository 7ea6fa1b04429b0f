import { describe, expect, it } from "vitest";
import type { HeaderMap } from "../core/call.ts";
import type { Inbound } from "../core/protocol.ts";
import { foreign } from "./cors.ts";

const from = (headers: HeaderMap, origins: readonly string[] = [], method = "POST") =>
  foreign({ method, headers } as Inbound, { origins, maxAgeSeconds: 0 })?.fault.reason;
const EVIL = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };

describe("a POST that a browser sends", () => {
  it("for a page of another site is refused, whatever it carries", () => {
    expect(from(EVIL)).toBe("CALLER_FORBIDDEN");
    expect(from({ "sec-fetch-site": "cross-site" })).toBe("CALLER_FORBIDDEN");
    expect(from(EVIL, ["https://app.example"])).toBe("CALLER_FORBIDDEN");
  });

  it("for a page whose origin may call, or for one of the gateway's own, is done", () => {
    expect(from(EVIL, ["https://evil.example"])).toBeUndefined();
    expect(from(EVIL, ["*"])).toBeUndefined();
    expect(from({ "sec-fetch-site": "same-origin", origin: "http://127.0.0.1:5000" })).toBeUndefined();
    expect(from({ "sec-fetch-site": "none" })).toBeUndefined();
  });
});

describe("a preflight", () => {
  const asks = { origin: "https://evil.example", "access-control-request-method": "POST" };

  it("for a page that may not call is refused in words that say why", () => {
    expect(from(asks, [], "OPTIONS")).toBe("CALLER_FORBIDDEN");
    expect(from(asks, ["https://app.example"], "OPTIONS")).toBe("CALLER_FORBIDDEN");
  });

  it("for one that may is not, nor is an OPTIONS that is none", () => {
    expect(from(asks, ["https://evil.example"], "OPTIONS")).toBeUndefined();
    expect(from({ origin: "https://evil.example" }, [], "OPTIONS")).toBeUndefined();
  });
});

it("what no browser sent, and what only looks, is nobody's doing", () => {
  expect(from({})).toBeUndefined();
  expect(from({ origin: "https://evil.example" })).toBeUndefined();
  expect(from(EVIL, [], "GET")).toBeUndefined();
});
