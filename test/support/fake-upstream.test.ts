import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { CHAT_TEXT, canned, events, fixture, json, sse } from "./canned.ts";
import { type FakeUpstream, fakeUpstream, gzipped } from "./fake-upstream.ts";

function post(upstream: FakeUpstream, path: string, body = "{}"): ClientRequest {
  const sent = request(`${upstream.url}${path}`, { method: "POST", agent: false });
  sent.on("error", () => undefined);
  sent.end(body);
  return sent;
}

async function answer(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

/** The body's bytes and how it ended: "whole", or the error's code. */
async function drain(response: IncomingMessage): Promise<{ bytes: Buffer; ending: string }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { bytes: Buffer.concat(chunks), ending: "whole" };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), ending: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

it("answers OpenAI's paths without a script and keeps each request as it came", async () => {
  await using upstream = await fakeUpstream();
  const body = fixture("chat-request.json").toString();
  const { bytes } = await drain(await answer(post(upstream, "/v1/chat/completions?x=1", body)));
  expect(JSON.parse(bytes.toString()).choices[0].message.content).toBe(CHAT_TEXT);
  const [seen] = upstream.exchanges;
  expect(seen).toMatchObject({ method: "POST", url: "/v1/chat/completions?x=1" });
  expect(seen!.body.toString()).toBe(body);
  expect(seen!.rawHeaders).toContain("Host");
  expect(upstream.hits).toBe(1);
});

it("holds a stream where the script waits, and goes on when released", async () => {
  await using upstream = await fakeUpstream();
  const gate = Promise.withResolvers<void>();
  upstream.next({ body: ["a", gate.promise, "b"] });
  const response = await answer(post(upstream, "/"));
  const [first] = (await once(response, "data")) as [Buffer];
  expect(first.toString()).toBe("a");
  expect(upstream.exchanges[0]!.accepted).toBe(1);
  gate.resolve();
  const [second] = (await once(response, "data")) as [Buffer];
  expect(second.toString()).toBe("b");
  await upstream.exchanges[0]!.finished;
});

it.each([
  ["reset", "ECONNRESET"],
  ["fin", "ECONNRESET"],
] as const)("cuts a body at byte N by a %s", async (ending, code) => {
  await using upstream = await fakeUpstream();
  const stream = fixture("chat.sse");
  upstream.next({ ...sse(stream), cutAt: 700, ending });
  const got = await drain(await answer(post(upstream, "/")));
  expect(got.ending).toBe(code);
  // A reset may overtake bytes that the reader had not taken yet; a FIN may not.
  if (ending === "fin") expect(got.bytes).toEqual(stream.subarray(0, 700));
  expect(upstream.exchanges[0]!.accepted).toBe(700);
});

it("stalls at byte N until the caller leaves, and says so", async () => {
  await using upstream = await fakeUpstream();
  upstream.next({ body: ["abcdef"], cutAt: 3, ending: "stall" });
  const sent = post(upstream, "/");
  const response = await answer(sent);
  const [first] = (await once(response, "data")) as [Buffer];
  expect(first.toString()).toBe("abc");
  sent.destroy();
  await (await upstream.exchange(0)).closed;
  await upstream.idle();
});

it("sends a head alone, and holds a head", async () => {
  await using upstream = await fakeUpstream();
  const gate = Promise.withResolvers<void>();
  upstream.next({ hold: gate.promise, status: 418, body: ["never"], cutAt: 0, ending: "fin" });
  const sent = post(upstream, "/");
  let heads = 0;
  sent.on("response", () => {
    heads += 1;
  });
  await upstream.exchange(0);
  expect(heads).toBe(0);
  gate.resolve();
  const response = await answer(sent);
  expect(response.statusCode).toBe(418);
  expect(await drain(response)).toEqual({ bytes: Buffer.alloc(0), ending: "ECONNRESET" });
});

it("sends a wrong content-length and bytes that are not HTTP as told", async () => {
  await using upstream = await fakeUpstream();
  upstream.next({ ...json({ a: 1 }), headers: { "content-length": 99 }, ending: "fin" });
  expect((await drain(await answer(post(upstream, "/")))).ending).toBe("ECONNRESET");
  upstream.next({ raw: true, body: ["NOT HTTP\r\n\r\n"] });
  const [error] = (await once(post(upstream, "/"), "error")) as [NodeJS.ErrnoException];
  expect(error.code).toMatch(/^HPE_/);
});

it("gzips a body and splits it inside the member", async () => {
  await using upstream = await fakeUpstream();
  upstream.next(gzipped(sse(fixture("chat.sse")), 10));
  const response = await answer(post(upstream, "/"));
  expect(response.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync((await drain(response)).bytes)).toEqual(fixture("chat.sse"));
});

it("shows how much a caller that reads nothing lets in", async () => {
  await using upstream = await fakeUpstream();
  const chunk = Buffer.alloc(64 * 1024);
  upstream.next({ body: Array.from({ length: 1024 }, () => chunk) });
  const sent = post(upstream, "/");
  const response = await answer(sent);
  response.pause();
  const accepted = await upstream.exchanges[0]!.settled(100);
  expect(accepted).toBeGreaterThan(0);
  expect(accepted).toBeLessThan(32 * 1024 * 1024);
  sent.destroy();
});

it("counts sockets apart from requests", async () => {
  await using upstream = await fakeUpstream();
  await drain(await answer(post(upstream, "/")));
  await drain(await answer(post(upstream, "/")));
  expect(upstream.hits).toBe(2);
  expect(upstream.connections.accepted).toBe(2);
  await upstream.idle();
  expect(upstream.connections.open).toBe(0);
});

it("has streams whose events add up to the whole answer, multi-byte characters too", () => {
  const deltas = events(fixture("chat.sse")).map((event) => event.toString().slice("data: ".length).trim());
  expect(deltas.at(-1)).toBe("[DONE]");
  const chunks = deltas.slice(0, -1).map((data) => JSON.parse(data));
  expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(CHAT_TEXT);
  expect(chunks.at(-1).usage).toEqual(JSON.parse(fixture("chat.json").toString()).usage);
  const tools = events(fixture("chat-tools.sse"))
    .slice(0, -1)
    .map((event) => JSON.parse(event.toString().slice("data: ".length)));
  const pieces = tools.map((chunk) => chunk.choices[0]?.delta.tool_calls?.[0].function.arguments ?? "");
  const [whole] = JSON.parse(fixture("chat-tools.json").toString()).choices[0].message.tool_calls;
  expect(pieces.join("")).toBe(whole.function.arguments);
});

it("has base64 embeddings that are the float ones", () => {
  const ask = (encoding_format: string) =>
    canned({ url: "/v1/embeddings", method: "POST", body: Buffer.from(JSON.stringify({ encoding_format })) });
  const data = (script: ReturnType<typeof ask>) => JSON.parse((script.body![0] as Buffer).toString()).data;
  const floats = data(ask("float")).map((item: { embedding: number[] }) => item.embedding);
  const packed = data(ask("base64")).map((item: { embedding: string }) => {
    const bytes = Buffer.from(item.embedding, "base64");
    return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
  });
  expect(packed).toEqual(floats);
});
