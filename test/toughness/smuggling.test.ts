/**
 * Requests that two servers could read in two ways. Whatever stands before or behind the gateway: one request in is one
 * request out, or none.
 */
import { describe, expect, it } from "vitest";
import { chatConfig } from "../lifecycle/gateway.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { rawSocket } from "../support/raw.ts";
import { startHere } from "./here.ts";

const BODY = '{"model":"chat","messages":[{"role":"user","content":"hi"}]}';
const LINE = "POST /v1/chat/completions HTTP/1.1\r\n";
const HOST = "host: x\r\n";
const JSON_TYPE = "content-type: application/json\r\n";
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const head = (lines: string, line = LINE) => `${line}${HOST}${JSON_TYPE}${lines}\r\n`;

/** Sends bytes and gives what came back when the gateway has closed the connection, or has answered `answers` times. */
async function send(port: number, bytes: string, answers = 1): Promise<{ text: string; closed: boolean }> {
  await using raw = await rawSocket(port);
  raw.send(Buffer.from(bytes, "latin1"));
  let closed = false;
  void raw.closed.then(() => {
    closed = true;
  });
  await expect.poll(() => closed || statuses(raw.text).length >= answers, { interval: 5, timeout: 5_000 }).toBe(true);
  return { text: raw.text, closed };
}
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

async function gateway(): Promise<{ port: number; upstream: FakeUpstream } & AsyncDisposable> {
  const upstream = await fakeUpstream();
  const here = await startHere(chatConfig(upstream.url));
  return {
    port: here.port,
    upstream,
    async [Symbol.asyncDispose]() {
      await here[Symbol.asyncDispose]();
      await upstream.close();
    },
  };
}

const CL = `content-length: ${BODY.length}\r\n`;
const TE = "transfer-encoding: chunked\r\n";

/** Each is followed by a second request on the same connection, which must not be done. */
const DOUBTFUL: readonly (readonly [name: string, bytes: string])[] = [
  ["a length and chunks", head(CL + TE) + CHUNKED],
  ["chunks and a length", head(TE + CL) + CHUNKED],
  ["two lengths that are equal", head(CL + CL) + BODY],
  ["two lengths that differ", head(`${CL}content-length: 0\r\n`) + BODY],
  ["a list of lengths", head(`content-length: ${BODY.length}, ${BODY.length}\r\n`) + BODY],
  ["a length with a sign", head(`content-length: +${BODY.length}\r\n`) + BODY],
  ["a length below nothing", head("content-length: -1\r\n") + BODY],
  ["a length in hexadecimal", head("content-length: 0x10\r\n") + BODY],
  ["a length past 64 bits", head("content-length: 99999999999999999999\r\n") + BODY],
  ["a space before the colon", head(`content-length : ${BODY.length}\r\n`) + BODY],
  ["a coding that only ends in chunked", head("transfer-encoding: xchunked\r\n") + CHUNKED],
  ["chunks within another coding", head("transfer-encoding: gzip, chunked\r\n") + CHUNKED],
  ["another coding over chunks", head("transfer-encoding: chunked, identity\r\n") + CHUNKED],
  ["the coding identity", head("transfer-encoding: identity\r\n") + CHUNKED],
  ["two codings", head(TE + TE) + CHUNKED],
  ["a coding after a vertical tab", head("transfer-encoding: \x0bchunked\r\n") + CHUNKED],
  ["a coding in quotes", head('transfer-encoding: "chunked"\r\n') + CHUNKED],
  ["chunks in HTTP/1.0", head(TE, LINE.replace("1.1", "1.0")) + CHUNKED],
  ["a header that goes on in the next line", head(`x-a: b\r\n ${CL}`) + BODY],
  ["a coding in the next line", head("transfer-encoding:\r\n chunked\r\n") + CHUNKED],
  ["a space before the first header", `${LINE} ${HOST}${CL}\r\n${BODY}`],
  ["lines that end in LF", (head(CL) + BODY).replaceAll("\r\n", "\n")],
  ["one line that ends in LF", `${LINE}${HOST.replace("\r", "")}${CL}\r\n${BODY}`],
  ["one line that ends in CR", `${LINE}${HOST.replace("\n", "")}${CL}\r\n${BODY}`],
  ["NUL in a header", head(`x-a: b\0c\r\n${CL}`) + BODY],
  ["a header without a name", head(`: b\r\n${CL}`) + BODY],
  ["a line that is no header", head(`foo\r\n${CL}`) + BODY],
  ["a chunk whose size is no number", head(TE) + CHUNKED.replace(/^\w+/, "zz")],
  ["a chunk below nothing", head(TE) + CHUNKED.replace(/^\w+/, "-1")],
  ["a chunk past 64 bits", head(TE) + CHUNKED.replace(/^\w+/, "fffffffffffffffff")],
  ["chunks whose lines end in LF", head(TE) + CHUNKED.replaceAll("\r\n", "\n")],
  ["a chunk longer than it says", head(TE) + CHUNKED.replace(/^\w+/, "5")],
  ["LF in a chunk's extension", head(TE) + CHUNKED.replace("\r\n", ";a\nb\r\n")],
  ["two hosts", `${LINE}${HOST}host: y\r\n${CL}\r\n${BODY}`],
  ["no host", `${LINE}${CL}\r\n${BODY}`],
  ["an empty host", `${LINE}host: \r\n${CL}\r\n${BODY}`],
  ["the target of another host", head(CL, LINE.replace("/v1", "http://evil.example/v1")) + BODY],
  ["a target with a password", head(CL, LINE.replace("/v1", "http://a:b@x/v1")) + BODY],
  ["an authority for a target", head(CL, "POST evil.example:443 HTTP/1.1\r\n") + BODY],
  ["a tunnel", head("", "CONNECT evil.example:443 HTTP/1.1\r\n")],
  ["a method that is none", head(CL, LINE.replace("POST", "BREW")) + BODY],
  ["HTTP/0.9", "GET /v1/models\r\n\r\n"],
  ["HTTP/2.0 in a line", head(CL, LINE.replace("1.1", "2.0")) + BODY],
  ["HTTP/1.2", head(CL, LINE.replace("1.1", "1.2")) + BODY],
  ["a path outside ASCII", head(CL, LINE.replace("/v1", "/v\xe9")) + BODY],
  ["two keys", head(`authorization: Bearer a\r\nauthorization: Bearer b\r\n${CL}`) + BODY],
  ["two keys of another kind", head(`x-api-key: a\r\nX-API-Key: b\r\n${CL}`) + BODY],
  ["two keys of a third kind", head(`x-goog-api-key: a\r\nx-goog-api-key: a\r\n${CL}`) + BODY],
  ["two content types", head(`${JSON_TYPE}${CL}`) + BODY],
];
const NEXT = `${head(CL)}${BODY}`;

describe("a request with", () => {
  it.each(DOUBTFUL)("%s is refused, the connection ends, and no provider hears of it", async (_, bytes) => {
    await using to = await gateway();
    const { text, closed } = await send(to.port, bytes + NEXT, 2);
    expect(closed).toBe(true);
    const all = statuses(text);
    expect(all.length).toBeLessThanOrEqual(1);
    for (const status of all) expect([400, 405, 501, 505]).toContain(status);
    expect(to.upstream.hits).toBe(0);
  });
});

describe("what looks like a second request", () => {
  it("within a body is a part of it", async () => {
    await using to = await gateway();
    const inner = `${BODY.slice(0, -1)},"user":"0\\r\\n\\r\\nGET /v1/models HTTP/1.1\\r\\nhost: x"}`;
    const { text } = await send(to.port, head(`content-length: ${inner.length}\r\n`) + inner);
    expect(statuses(text)).toEqual([200]);
    expect(to.upstream.hits).toBe(1);
  });

  it("after a body is one, and is answered after the first", async () => {
    await using to = await gateway();
    const { text } = await send(to.port, `${NEXT}GET /v1/models HTTP/1.1\r\n${HOST}\r\n`, 2);
    expect(statuses(text)).toEqual([200, 200]);
    expect(text.indexOf("chat.completion")).toBeLessThan(text.indexOf('"object":"list"'));
    expect(to.upstream.hits).toBe(1);
  });

  it("in a trailer changes nothing", async () => {
    await using to = await gateway();
    const trailer = "0\r\nauthorization: Bearer evil\r\n\r\n";
    const { text } = await send(to.port, head(TE) + CHUNKED.replace("0\r\n\r\n", trailer));
    expect(statuses(text)).toEqual([200]);
    expect((await to.upstream.exchange(0)).headers.authorization).toBe("Bearer sk-test");
  });
});

it("that is garbage within an answer is told nothing: what would be told belonged to the answer", async () => {
  await using to = await gateway();
  const hold = Promise.withResolvers<void>();
  to.upstream.next({
    headers: { "content-type": "text/event-stream" },
    body: ['data: {"choices":[{"delta":{"content":"first"}}]}\n\n', hold.promise],
  });
  await using raw = await rawSocket(to.port);
  const streamed = BODY.replace("{", '{"stream":true,');
  raw.send(`${head(`content-length: ${streamed.length}\r\n`)}${streamed}`);
  await raw.until("first");
  raw.send("\x00\x01\x02 garbage\r\n\r\n");
  expect(statuses(await raw.closed)).toEqual([200]);
  hold.resolve();
});

it("that is garbage after a whole request does not take its answer: that goes out, and the connection ends", async () => {
  await using to = await gateway();
  const hold = Promise.withResolvers<void>();
  to.upstream.next({ hold: hold.promise, body: ['{"choices":[{"index":0,"message":{"content":"mine"}}]}'] });
  await using raw = await rawSocket(to.port);
  raw.send(NEXT);
  await to.upstream.exchange(0);
  raw.send("\x00\x01\x02 garbage\r\n\r\n");
  await new Promise(setImmediate);
  hold.resolve();
  const text = await raw.closed;
  expect(statuses(text)).toEqual([200]);
  expect(text).toContain("mine");
});

describe("a caller that waits to be asked for its body", () => {
  const WAITS = "expect: 100-continue\r\n";

  it("is asked, and answered", async () => {
    await using to = await gateway();
    await using raw = await rawSocket(to.port);
    raw.send(head(WAITS + CL));
    await raw.until("HTTP/1.1 100 Continue\r\n\r\n");
    raw.send(BODY);
    await raw.until("chat.completion");
    expect(statuses(raw.text)).toEqual([100, 200]);
  });

  it.each([
    ["too much", head(`${WAITS}content-length: 999999999\r\n`), 413],
    ["nobody's path", head(WAITS + CL, LINE.replace("chat", "chap")), 404],
    ["another expectation", head(`expect: 200-ok\r\n${CL}`), 417],
  ])("is not asked for %s, and the connection ends", async (_, bytes, status) => {
    await using to = await gateway();
    await using raw = await rawSocket(to.port);
    raw.send(bytes);
    const text = await raw.closed;
    expect(statuses(text)).toEqual([status]);
    expect(text).toContain("x-request-id: ");
  });
});

describe("bytes that are no request", () => {
  const lines = (log: string) => log.split("\n").filter((line) => line.includes('"msg":"request"'));

  it.each([
    ["no head", "garbage\r\n\r\n", 400, "BODY_MALFORMED"],
    ["too long a head", `GET / HTTP/1.1\r\nx-a: ${"a".repeat(50_000)}`, 431, "BODY_TOO_LARGE"],
    ["a bad chunk", `${head(TE)}zz\r\n`, 400, "BODY_MALFORMED"],
    ["a tunnel", head("", "CONNECT evil.example:443 HTTP/1.1\r\n"), 400, "BODY_MALFORMED"],
  ])("(%s) have a request id and a line in the log", async (_, bytes, status, reason) => {
    await using here = await startHere(chatConfig("http://127.0.0.1:9"));
    await using raw = await rawSocket(here.port);
    raw.send(bytes);
    const text = await raw.closed;
    expect(statuses(text)).toEqual([status]);
    const [, id] = /x-request-id: ([\da-f-]{36})\r\n/.exec(text) ?? [];
    await expect.poll(() => lines(here.log())).toHaveLength(1);
    expect(JSON.parse(lines(here.log())[0]!)).toMatchObject({ request_id: id, status, reason, remote: "127.0.0.1" });
    expect(await here.underWay()).toBe(0);
  });
});

it("an absolute target of the gateway itself is taken", async () => {
  await using to = await gateway();
  const line = LINE.replace("/v1", "http://X/v1");
  expect(statuses((await send(to.port, head(CL, line) + BODY)).text)).toEqual([200]);
});

it.each([
  "/v1/../v1/chat/completions",
  "/v1//chat/completions",
  "//v1/chat/completions",
  "/%76%31/chat/completions",
  "/v1/chat/completions/",
  "/v1/chat/completions;a=b",
  "/v1/chat/completions%00",
  "/V1/chat/completions",
  "/v1/models/..%2f..%2fetc%2fpasswd",
  "/docs/../src/main.ts",
  "/docs/%2e%2e/%2e%2e/package.json",
  "/docs/..%5c..%5cpackage.json",
])("the path %s is not another one's spelling", async (path) => {
  await using to = await gateway();
  const bytes = path.startsWith("/v1/models") || path.startsWith("/docs") ? `GET ${path} HTTP/1.1\r\n${HOST}\r\n` : "";
  const { text } = await send(to.port, bytes || head(CL, `POST ${path} HTTP/1.1\r\n`) + BODY);
  expect(statuses(text)).toEqual([404]);
  expect(to.upstream.hits).toBe(0);
});
