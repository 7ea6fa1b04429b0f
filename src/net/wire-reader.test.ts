import { describe, expect, it } from "vitest";
import type { AnswerHead } from "./wire-head.ts";
import { AnswerReader, MAX_HEAD_BYTES } from "./wire-reader.ts";

/** What a reader told of some answers. */
function listen(onTold: (what: string, reader: AnswerReader) => void = () => {}) {
  const told: string[] = [];
  const heads: AnswerHead[] = [];
  const reader: AnswerReader = new AnswerReader({
    onHead(head) {
      heads.push(head);
      told.push(`head ${head.status}`);
      onTold("head", reader);
    },
    onPart(part) {
      told.push(part.toString("latin1"));
      onTold("part", reader);
    },
    onWhole(more) {
      told.push(more ? "whole, and more" : "whole");
      onTold("whole", reader);
    },
  });
  return { reader, told, heads };
}

/** Reads an answer in pieces of so many bytes, up to its end or the connection's. What was told; parts are joined. */
function read(text: string, pieces = text.length, ends = false): string {
  const { reader, told } = listen();
  const bytes = Buffer.from(text, "latin1");
  try {
    for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.subarray(at, at + pieces));
    if (ends && reader.inBody && !reader.end()) told.push("cut");
  } catch (error) {
    told.push(String((error as Error).message));
  }
  const [head, ...rest] = told;
  const last = /^(?:whole|cut|the answer)/.test(rest.at(-1) ?? "") ? rest.pop() : undefined;
  return [head, rest.join(""), last].filter((one) => one).join(" | ");
}

const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

describe("what will never be a head, or trailers,", () => {
  it.each([
    ["a head whose lines end in LF", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok"],
    ["a head with one line that does", `${OK}content-length: 2\nx: y\r\n`],
    ["trailers whose lines end in LF", `${CHUNKED}0\r\nx: a\n\n`],
  ])("is not waited for: %s, in one piece or byte by byte", (_, text) => {
    for (const pieces of [text.length, 1]) expect(read(text, pieces)).toMatch(/LF alone/);
  });

  it("is not told of a CR whose LF comes in the next piece", () => {
    const text = `${OK}content-length: 2\r\n\r\nok`;
    for (let pieces = 1; pieces < text.length; pieces++) expect(read(text, pieces)).toBe("head 200 | ok | whole");
  });
});

describe("a whole answer", () => {
  it.each([
    ["with a length", `${OK}content-length: 5\r\n\r\nhello`, "head 200 | hello | whole"],
    ["with a length of none", `${OK}Content-Length: 0\r\n\r\n`, "head 200 | whole"],
    ["in chunks", `${CHUNKED}5\r\nhello\r\n00A\r\n, the rest\r\n0\r\n\r\n`, "head 200 | hello, the rest | whole"],
    [
      "in chunks with extensions",
      `${CHUNKED}5;a;b=c;d="e;\\"f"\r\nhello\r\n0;last\r\n\r\n`,
      "head 200 | hello | whole",
    ],
    ["in chunks with trailers", `${CHUNKED}1\r\nx\r\n0\r\nx-sum: 1\r\ny:\r\n\r\n`, "head 200 | x | whole"],
    [
      "in chunks of another coding",
      `${CHUNKED.replace("chunked", "gzip, Chunked ")}1\r\nx\r\n0\r\n\r\n`,
      "head 200 | x | whole",
    ],
    ["until the connection's end", `${OK}\r\nall of it`, "head 200 | all of it | whole"],
    ["of an unknown coding", `${OK}transfer-encoding: identity\r\n\r\nall`, "head 200 | all | whole"],
    ["of HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", "head 200 | x | whole"],
    ["without a reason", "HTTP/1.1 404\r\ncontent-length: 1\r\n\r\nx", "head 404 | x | whole"],
    ["without content", "HTTP/1.1 204 No Content\r\n\r\n", "head 204 | whole"],
    ["that did not change", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "head 304 | whole"],
    [
      "after informational ones",
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}content-length: 1\r\n\r\nx`,
      "head 200 | x | whole",
    ],
    [
      "with a name and a value that are odd",
      `${OK}!#$%&'*+-.^_\`|~: \xe9\t"\r\ncontent-length:0\r\n\r\n`,
      "head 200 | whole",
    ],
  ])("%s is read however it is cut", (_, text, want) => {
    for (const size of [text.length, 1, 2, 7]) expect([size, read(text, size, true)]).toEqual([size, want]);
  });
});

describe("an answer that could be read in two ways is refused:", () => {
  it.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n"],
    ["a status below 100", "HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n"],
    ["a switch of protocols", "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"],
    [
      "an informational one that closes",
      `HTTP/1.1 103 Early Hints\r\nconnection: close\r\n\r\n${OK}content-length: 0\r\n\r\n`,
    ],
    [
      "an informational one with a body",
      `HTTP/1.1 103 Early Hints\r\ncontent-length: 1\r\n\r\nx${OK}content-length: 0\r\n\r\n`,
    ],
    ["lines that end in LF", "HTTP/1.1 200 OK\ncontent-length: 0\n\r\n\r\n"],
    ["a lone LF", `${OK}x: a\ncontent-length: 0\r\n\r\n`],
    ["a lone CR", `${OK}x: a\rb\r\ncontent-length: 0\r\n\r\n`],
    ["a NUL", `${OK}x: a\0b\r\ncontent-length: 0\r\n\r\n`],
    ["a folded line", `${OK}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`],
    ["white space before the colon", `${OK}content-length : 0\r\n\r\n`],
    ["a header without a name", `${OK}: x\r\ncontent-length: 0\r\n\r\n`],
    ["a header without a colon", `${OK}x\r\ncontent-length: 0\r\n\r\n`],
    ["two lengths", `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nx`],
    ["the same length twice", `${OK}content-length: 1\r\nContent-Length: 1\r\n\r\nx`],
    ["a list of lengths", `${OK}content-length: 1, 1\r\n\r\nx`],
    ["a length with a sign", `${OK}content-length: +1\r\n\r\nx`],
    ["a length in hexadecimal", `${OK}content-length: 0x1\r\n\r\nx`],
    ["an empty length", `${OK}content-length:\r\n\r\nx`],
    ["a length beyond all bounds", `${OK}content-length: 99999999999999999999\r\n\r\nx`],
    ["a length and chunks", `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`],
    ["chunks and a length", `${OK}transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n1\r\nx\r\n0\r\n\r\n`],
    ["two transfer codings", `${OK}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n`],
    ["chunks and a tab, which some read over", `${OK}transfer-encoding: chunked\t\r\n\r\n0\r\n\r\n`],
    ["a coding around its chunks", `${OK}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ["a chunk without a size", `${CHUNKED}\r\nx\r\n0\r\n\r\n`],
    ["a chunk's size that is no number", `${CHUNKED}g\r\n`],
    ["a chunk's size with a sign", `${CHUNKED}-1\r\n`],
    ["a chunk's size with a prefix", `${CHUNKED}0x1\r\nx\r\n0\r\n\r\n`],
    ["a chunk's size and white space", `${CHUNKED}1 \r\nx\r\n0\r\n\r\n`],
    ["a chunk's size beyond all bounds", `${CHUNKED}fffffffffffffffff\r\n`],
    ["a chunk's line that ends in LF", `${CHUNKED}1\nx\r\n0\r\n\r\n`],
    ["a chunk that is longer than it says", `${CHUNKED}1\r\nxy\r\n0\r\n\r\n`],
    ["a chunk's extension that is none", `${CHUNKED}1;a b\r\nx\r\n0\r\n\r\n`],
    ["a chunk's extension that hides a line", `${CHUNKED}1;a="\n"\r\nx\r\n0\r\n\r\n`],
    ["a chunk's extension without end", `${CHUNKED}1;${"a".repeat(5_000)}\r\nx\r\n0\r\n\r\n`],
    ["a trailer without a colon", `${CHUNKED}0\r\nx\r\n\r\n`],
    ["a lone LF in the trailers", `${CHUNKED}0\r\nx: a\ny: b\r\n\r\n`],
    ["a length in the trailers", `${CHUNKED}0\r\ncontent-length: 5\r\n\r\n`],
    ["trailers without end", `${CHUNKED}0\r\n${"x: y\r\n".repeat(8_000)}\r\n`],
    ["a head without end", `${OK}${"x: y\r\n".repeat(8_000)}`],
  ])("%s", (_, text) => {
    for (const size of [text.length, 1, 3])
      expect([size, read(text, size)]).toEqual([size, expect.stringMatching(/the answer is not HTTP\/1\.1: \S/)]);
  });
});

describe("an answer that ends early", () => {
  it.each([
    ["within its length", `${OK}content-length: 5\r\n\r\nhell`],
    ["within a chunk", `${CHUNKED}5\r\nhell`],
    ["before the last chunk", `${CHUNKED}5\r\nhello\r\n`],
    ["within the trailers", `${CHUNKED}5\r\nhello\r\n0\r\nx: y\r\n`],
  ])("is told from a whole one: %s", (_, text) => {
    expect(read(text, text.length, true)).toMatch(/^head 200 \| .*cut$/);
  });
});

describe("a reader", () => {
  it("takes a head just below its limit, and none above it", () => {
    const padded = (bytes: number) => `${OK}x: ${"x".repeat(bytes - OK.length - 3)}`;
    expect(read(`${padded(MAX_HEAD_BYTES)}\r\n\r\n`, 1000)).toBe("head 200");
    expect(read(`${padded(MAX_HEAD_BYTES + 1)}\r\n\r\n`, 1000)).toContain("more than 32768 bytes");
  });

  it("gives names in lower case, a repeated one as a list, and values as they are but for white space before them", () => {
    const { reader, heads } = listen();
    const lines = ["X-One: a", "set-cookie: a=1", "Set-Cookie:\t b=2", "SET-COOKIE: c", "x-empty:", "x-wide:   \xe9  "];
    reader.push(Buffer.from(`${OK}${lines.join("\r\n")}\r\n\r\n`, "latin1"));
    expect(heads[0]!.headers).toEqual({
      "x-one": "a",
      "set-cookie": ["a=1", "b=2", "c"],
      "x-empty": "",
      "x-wide": "\xe9  ",
    });
  });

  it("gives names that every object has as the answer's own", () => {
    const { reader, heads } = listen();
    reader.push(Buffer.from(`${OK}__proto__: a\r\nconstructor: b\r\nConstructor: c\r\n__proto__: d\r\n\r\n`));
    const { headers } = heads[0]!;
    expect(Object.entries(headers)).toEqual([
      ["__proto__", ["a", "d"]],
      ["constructor", ["b", "c"]],
    ]);
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
  });

  it("knows how long the connection may be idle", () => {
    const keepMs = (lines: string, version = "1.1") => {
      const { reader, heads } = listen();
      reader.push(Buffer.from(`HTTP/${version} 200 OK\r\ncontent-length: 0\r\n${lines}\r\n`));
      return heads[0]!.keepMs;
    };
    expect(keepMs("")).toBeUndefined();
    expect(keepMs("keep-alive: timeout=5, max=100\r\n")).toBe(3_000);
    expect(keepMs("keep-alive: max=100, Timeout=75\r\n")).toBe(73_000);
    expect(keepMs("keep-alive: timeout=2\r\n")).toBe(0);
    expect(keepMs("keep-alive: timeout=86400\r\n")).toBe(600_000);
    expect(keepMs("connection: Close\r\n")).toBe(0);
    expect(keepMs("connection: x-hop, close\r\n")).toBe(0);
    expect(keepMs("connection: keep-alive\r\nconnection: close\r\n")).toBe(0);
    expect(keepMs("connection: closed\r\n")).toBeUndefined();
    expect(keepMs("", "1.0")).toBe(0);
    const { reader, heads } = listen();
    reader.push(Buffer.from("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"));
    expect(heads[0]!.keepMs).toBe(0);
  });

  it("tells of bytes that follow the answer, and gives none of them away", () => {
    expect(read(`${OK}content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n`)).toBe("head 200 | ok | whole, and more");
    expect(read(`${CHUNKED}2\r\nok\r\n0\r\n\r\n\r\n`)).toBe("head 200 | ok | whole, and more");
  });

  it("hands over a body that came with its head without a copy", () => {
    const bytes = Buffer.from(`${OK}content-length: 2\r\n\r\nok`);
    const parts: Buffer[] = [];
    new AnswerReader({ onHead() {}, onPart: (part) => parts.push(part), onWhole() {} }).push(bytes);
    expect(parts[0]!.buffer).toBe(bytes.buffer);
  });

  it("stops at every point where it is told to hold, and goes on from there", () => {
    const { reader, told } = listen((_, own) => own.hold());
    reader.push(Buffer.from(`${CHUNKED}2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n`));
    const want = ["head 200", "ab", "cd", "whole"];
    for (let count = 1; count <= want.length; count++) {
      expect(told).toEqual(want.slice(0, count));
      reader.release();
    }
    reader.push(Buffer.from(`${OK}content-length: 0\r\n\r\n`));
    expect(told).toEqual([...want, "head 200"]);
  });

  it("keeps what comes while it is held, and is not confused by a release from within", () => {
    const { reader, told } = listen((what, own) => {
      own.hold();
      if (what === "part") own.release();
    });
    reader.push(Buffer.from(`${OK}content-length: 6\r\n\r\na`));
    reader.push(Buffer.from("bc"));
    reader.push(Buffer.from("de"));
    expect(told).toEqual(["head 200"]);
    reader.release();
    reader.push(Buffer.from("f"));
    expect(told).toEqual(["head 200", "abcde", "f", "whole"]);
  });
});
