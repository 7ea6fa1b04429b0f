import { describe, expect, it } from "vitest";
import { type HeadLimits, plainHead } from "./plain-head.ts";

const LIMITS: HeadLimits = { maxHeaderBytes: 1_000, maxHeaders: 10 };
const read = (text: string, limits = LIMITS) => plainHead(Buffer.from(text, "latin1"), limits);
const get = (lines: string, first = "GET / HTTP/1.1") => read(`${first}\r\nhost: x\r\n${lines}\r\n`);
const post = (lines: string) => get(lines, "POST / HTTP/1.1");
const own = (headers: object | undefined) => Object.entries(headers ?? {});

describe("a head that is plain", () => {
  it("is told with its target, its headers by lower-case name, and its lengths", () => {
    const head =
      'POST /v1/a?b=c%20&d HTTP/1.1\r\nHost: x:80\r\nX-API-Key:k\r\ncontent-length: 5\r\nx-9: a, b;c="d"\r\n\r\n';
    expect(read(`${head}hello and more`)).toEqual({
      method: "POST",
      target: "/v1/a?b=c%20&d",
      headers: { host: "x:80", "x-api-key": "k", "content-length": "5", "x-9": 'a, b;c="d"' },
      bytes: head.length,
      bodyBytes: 5,
    });
  });

  it.each([
    ["an empty value", "x-a:\r\n", "x-a", ""],
    ["no space after the colon", "x-a:b\r\n", "x-a", "b"],
    ["spaces and colons within", "x-a: b  c: d\r\n", "x-a", "b  c: d"],
    ["a value of one character", "x-a: b\r\n", "x-a", "b"],
    ["a name of one character", "q: b\r\n", "q", "b"],
    ["a name as long as a line", `${"a".repeat(200)}: b\r\n`, "a".repeat(200), "b"],
    ["a name that objects have in other letters", "toString: 1\r\n", "tostring", "1"],
    ["keep-alive", "connection: keep-alive\r\n", "connection", "keep-alive"],
    ["Keep-Alive", "Connection: Keep-Alive\r\n", "connection", "Keep-Alive"],
  ])("may have %s", (_, lines, name, value) => {
    expect(own(get(lines)?.headers)).toEqual([
      ["host", "x"],
      [name, value],
    ]);
  });

  it("has nothing of what objects have by themselves", () => {
    const headers = get("")!.headers;
    expect(own(headers)).toEqual([["host", "x"]]);
    expect(get("valueOf: 1\r\nisPrototypeOf: 2\r\n")!.headers).toEqual({ host: "x", valueof: "1", isprototypeof: "2" });
  });

  it.each([
    ["0", 0],
    ["12", 12],
    ["0012", 12],
    ["999999999999999", 999_999_999_999_999],
  ])("has a body of the length %s", (text, bodyBytes) => {
    expect(post(`content-length: ${text}\r\n`)?.bodyBytes).toBe(bodyBytes);
  });
});

describe("a head is not plain with", () => {
  it.each([
    ["nothing", ""],
    ["no end", "GET / HTTP/1.1\r\nhost: x\r\n"],
    ["an end that is not whole", "GET / HTTP/1.1\r\nhost: x\r\n\r"],
    ["no headers", "GET / HTTP/1.1\r\n\r\n"],
    ["another method", "PUT / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["HEAD", "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a method in small letters", "get / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a method that goes on", "GETS / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a line before", "\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["two spaces before the target", "GET  / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["two spaces after it", "GET /  HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a tab", "GET\t/ HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["no target", "GET HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a whole URL", "GET http://x/ HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["an asterisk", "GET * HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a fragment", "GET /#a HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["a target outside ASCII", "GET /\xe9 HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["NUL in the target", "GET /\0 HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["DEL in the target", "GET /\x7f HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\nhost: x\r\n\r\n"],
    ["HTTP/1.10", "GET / HTTP/1.10\r\nhost: x\r\n\r\n"],
    ["no version", "GET /\r\nhost: x\r\n\r\n"],
    ["a space after the version", "GET / HTTP/1.1 \r\nhost: x\r\n\r\n"],
    ["lines that end in LF", "GET / HTTP/1.1\nhost: x\n\n"],
    ["a first line that ends in LF", "GET / HTTP/1.1\nhost: x\r\n\r\n"],
    ["a header that ends in LF", "GET / HTTP/1.1\r\nhost: x\nx-a: b\r\n\r\n"],
    ["a header that ends in CR", "GET / HTTP/1.1\r\nhost: x\rx-a: b\r\n\r\n"],
    ["CR CR LF", "GET / HTTP/1.1\r\nhost: x\r\r\nx-a: b\r\n\r\n"],
  ])("%s", (_, text) => {
    expect(read(text)).toBeUndefined();
  });

  it.each([
    ["a line that goes on", "x-a: b\r\n c\r\n"],
    ["a line that goes on after a tab", "x-a: b\r\n\tc\r\n"],
    ["a space before a name", " x-a: b\r\n"],
    ["a space after a name", "x-a : b\r\n"],
    ["no name", ": b\r\n"],
    ["no colon", "x-a\r\n"],
    ["an underscore in a name", "x_a: b\r\n"],
    ["a dot in a name", "x.a: b\r\n"],
    ["a name outside ASCII", "x\xe9: b\r\n"],
    ["two spaces before a value", "x-a:  b\r\n"],
    ["a space after a value", "x-a: b \r\n"],
    ["a value of one space", "x-a: \r\n"],
    ["a tab in a value", "x-a: b\tc\r\n"],
    ["NUL in a value", "x-a: b\0\r\n"],
    ["DEL in a value", "x-a: b\x7f\r\n"],
    ["a value outside ASCII", "x-a: \xe9\r\n"],
    ["the same name twice", "x-a: b\r\nx-a: b\r\n"],
    ["the same name in other letters", "x-a: b\r\nX-A: c\r\n"],
    ["the same name, empty first", "x-a:\r\nx-a: c\r\n"],
    ["two hosts", "HOST: y\r\n"],
    ["a name that every object has", "constructor: 1\r\n"],
    ["a name that every object has in other letters", "Constructor: 1\r\n"],
    ["the prototype", "__proto__: 1\r\n"],
    ["expect", "Expect: 100-continue\r\n"],
    ["a settings frame", "http2-settings: AAMAAABkAAQAAP__\r\n"],
    ["the header keep-alive", "keep-alive: timeout=5\r\n"],
    ["proxy-connection", "Proxy-Connection: close\r\n"],
    ["what is a list always", "set-cookie: a=b\r\n"],
    ["te", "TE: trailers\r\n"],
    ["trailer", "trailer: x-a\r\n"],
    ["a coding", "Transfer-Encoding: chunked\r\n"],
    ["an empty coding", "transfer-encoding:\r\n"],
    ["an upgrade", "upgrade: websocket\r\n"],
    ["the end of the connection", "connection: close\r\n"],
    ["two words for the connection", "connection: keep-alive, close\r\n"],
    ["an empty connection", "connection:\r\n"],
    ["KEEP-ALIVE", "connection: KEEP-ALIVE\r\n"],
  ])("%s", (_, lines) => {
    expect(get(lines)).toBeUndefined();
    expect(post(`content-length: 0\r\n${lines}`)).toBeUndefined();
  });

  it.each(["", "-1", "+1", "1.0", "1e3", "0x1", "1,1", "1, 1", "1 1", "a", "1000000000000000", "\u0661"])(
    "the length %j",
    (text) => {
      expect(post(`content-length:${text}\r\n`)).toBeUndefined();
      expect(get(`content-length:${text}\r\n`)).toBeUndefined();
    },
  );

  it("a GET that has a length, a POST that has none, and a host that is empty or not there", () => {
    expect(get("content-length: 0\r\n")).toBeUndefined();
    expect(get("content-length: 3\r\n")).toBeUndefined();
    expect(post("")).toBeUndefined();
    expect(read("GET / HTTP/1.1\r\nhost:\r\n\r\n")).toBeUndefined();
    expect(read("GET / HTTP/1.1\r\nhost: \r\n\r\n")).toBeUndefined();
    expect(read("GET / HTTP/1.1\r\nhosts: x\r\n\r\n")).toBeUndefined();
  });
});

describe("the limits", () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `x-${n}: a\r\n`).join("");

  it("of headers are met, and not passed", () => {
    expect(own(get(many(9))?.headers)).toHaveLength(10);
    expect(get(many(10))).toBeUndefined();
  });

  it("of bytes are met, and not passed", () => {
    const before = "GET / HTTP/1.1\r\nhost: x\r\nx-a: ".length;
    const fits = "a".repeat(LIMITS.maxHeaderBytes - before);
    expect(get(`x-a: ${fits}\r\n`)?.headers["x-a"]).toBe(fits);
    expect(get(`x-a: ${fits}a\r\n`)).toBeUndefined();
  });

  it("are the head's, however long what follows it is", () => {
    expect(read(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n${"x".repeat(5_000)}`)?.bodyBytes).toBe(
      5_000,
    );
  });
});

it("names that strangers make up, more than are kept, change nothing of what is read", () => {
  for (let n = 0; n < 1_000; n++) {
    expect(own(get(`X-Stranger-${n}: ${n}\r\n`)?.headers)).toEqual([
      ["host", "x"],
      [`x-stranger-${n}`, String(n)],
    ]);
  }
  expect(get("X-Late: 1\r\nx-LATE: 2\r\n")).toBeUndefined();
  expect(get("eXpect: 100-continue\r\n")).toBeUndefined();
  expect(get("transfer-ENCODING: chunked\r\n")).toBeUndefined();
  expect(post("CONTENT-length: 3\r\n")).toMatchObject({ bodyBytes: 3, headers: { "content-length": "3" } });
});
