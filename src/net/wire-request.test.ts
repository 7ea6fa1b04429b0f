import { expect, it } from "vitest";
import { RequestHeads } from "./wire-request.ts";

const heads = new RequestHeads("https://api.example.com:8443");
const post = (headers: readonly string[], path = "/v1/x") => heads.write({ method: "POST", path, headers }, 3);
const OWN = "host: api.example.com:8443\r\nconnection: keep-alive\r\n";

it("says what is asked, of whom, and how long the body is", () => {
  const list = ["Content-Type", "application/json", "x", "é"];
  const want = `POST /v1/x HTTP/1.1\r\n${OWN}Content-Type: application/json\r\nx: é\r\ncontent-length: 3\r\n\r\n`;
  expect([post(list), post(list), post([...list])]).toEqual([want, want, want]);
  const get = { method: "GET", path: "/?a=%20b", headers: [] } as const;
  expect(heads.write(get, 3)).toBe(`GET /?a=%20b HTTP/1.1\r\n${OWN}\r\n`);
});

it("names no port that is the scheme's own, and the host that a request gives", () => {
  const write = (origin: string, headers: readonly string[] = []) =>
    new RequestHeads(origin).write({ method: "GET", path: "/", headers }, 0);
  expect(write("https://a.example:443")).toContain("\r\nhost: a.example\r\n");
  expect(write("http://[::1]:80")).toContain("\r\nhost: [::1]\r\n");
  const given = write("http://a.example", ["Host", "b.example"]);
  expect(given.match(/host: .*/gi)).toEqual(["host: b.example"]);
});

it("tells lists of headers apart, however many there are", () => {
  const lists = Array.from({ length: 20 }, (_, i) => ["x", String(i)]);
  for (let round = 0; round < 2; round++) {
    for (const [i, list] of lists.entries()) expect(post(list)).toContain(`\r\nx: ${i}\r\n`);
  }
});

it.each([
  ["a header's value that ends its line", ["x", "a\r\nevil: b"]],
  ["a lone LF in a value", ["x", "a\nb"]],
  ["a NUL in a value", ["x", "a\0b"]],
  ["a value beyond latin1", ["x", "\u{1f600}"]],
  ["a name that ends its line", ["x\r\nevil", "b"]],
  ["a name with a colon", ["x:", "b"]],
  ["an empty name", ["", "b"]],
  ["a name without a value", ["x"]],
  ["a length of its own", ["Content-Length", "5"]],
  ["chunks", ["transfer-encoding", "chunked"]],
  ["a wish to be told to go on", ["expect", "100-continue"]],
  ["two hosts", ["host", "a", "Host", "b"]],
])("does not send %s", (_, headers) => {
  expect(() => post(headers)).toThrow(/invalid|two host/);
});

it.each(["v1/x", "http://other.example/", "/a b", "/a\r\nb", "/a\0", "/\u{1f600}", ""])(
  "does not ask for %j",
  (path) => {
    expect(() => post([], path)).toThrow("path");
  },
);
