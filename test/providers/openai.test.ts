/** The openai provider over real sockets, through a whole run: what reaches the server, and what comes back to the sink. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, describe, expect, it } from "vitest";
import { OpenAISettingsSchema } from "../../gen/providers/openai/v1/settings_pb.js";
import { Body } from "../../src/core/body.ts";
import { Call, type Operation } from "../../src/core/call.ts";
import { run } from "../../src/core/run.ts";
import { realClock } from "../../src/net/clock.ts";
import { egressOf } from "../../src/net/egress.ts";
import { Dialer } from "../../src/net/send.ts";
import { provider } from "../../src/providers/openai/index.ts";
import { events, fixture, json, sse } from "../support/canned.ts";
import { fakeUpstream, gzipped } from "../support/fake-upstream.ts";
import { callOf, planOf, targetOf } from "../support/plan.ts";
import { RecordingSink } from "../support/sink.ts";

const upstream = await fakeUpstream();
const dialer = new Dialer();
const dialing = { connectMs: 1000, maxConnections: 100, egress: egressOf([], "file") };
afterAll(async () => {
  await dialer.close();
  await upstream.close();
});

type Init = MessageInitShape<typeof OpenAISettingsSchema>;
const CHAT = { model: "route", messages: [{ role: "user", content: "Hi" }] };

/** Asks over a socket; resolves when the call settled. `bases`: one target each. */
async function ask(
  op: Operation,
  request: object | Buffer,
  init: Init = {},
  bases = [`${upstream.url}/v1`],
  firstByteMs = 10_000,
) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const targets = bases.map((baseUrl, index) => {
    const settings = create(OpenAISettingsSchema, { openaiApiKey: "sk-test", baseUrl, ...init });
    const opened = provider.open(settings, { clock: realClock, wallNow: Date.now, random: Math.random });
    return { ...targetOf(dialer.to(opened.origin!, dialing), index, opened), model: "gpt-4o" };
  });
  const plan = planOf(targets, { op, settle: [() => resolve()], firstByteMs, chunkMs: 10_000, totalMs: 30_000 });
  const body = Buffer.isBuffer(request) ? Body.ofBytes(request) : Body.ofJson({ ...request });
  const stream = body.peek("stream") === true;
  const { arrival } = callOf(plan, stream, {
    started: realClock.now(),
    headers: { authorization: "Bearer caller", cookie: "a=b" },
  });
  const call = new Call(arrival, plan, body, stream);
  const sink = new RecordingSink();
  run(call, sink, realClock);
  await promise;
  return { sink, call, exchange: upstream.exchanges.at(-1)! };
}

describe("what reaches OpenAI", () => {
  it("is the caller's body byte for byte, but for the model", async () => {
    const sent = fixture("chat-request.json");
    const { exchange, sink } = await ask("chat", sent);
    const model = JSON.stringify((JSON.parse(sent.toString()) as { model: string }).model);
    expect(exchange.body.toString()).toBe(sent.toString().replace(model, '"gpt-4o"'));
    expect(sink.ends).toBe(1);
  });

  it("has our headers and none of the caller's", async () => {
    const { exchange } = await ask("chat", CHAT, { openaiOrganization: "org-1" });
    expect(exchange).toMatchObject({ method: "POST", url: "/v1/chat/completions" });
    const { host, connection, ...headers } = exchange.headers;
    expect(host).toBe(`127.0.0.1:${upstream.port}`);
    expect(headers).toEqual({
      "content-type": "application/json",
      "content-length": String(exchange.body.length),
      "accept-encoding": "identity",
      authorization: "Bearer sk-test",
      "openai-organization": "org-1",
    });
    expect(connection).toMatch(/keep-alive/i);
  });

  it("goes to the deployment with Azure", async () => {
    const azure: Init = { openaiApiType: "azure", openaiApiVersion: "2024-10-21", openaiDeploymentName: "dep" };
    const { exchange, sink } = await ask("embeddings", { model: "route", input: "a" }, azure, [upstream.url]);
    expect(exchange.url).toBe("/openai/deployments/dep/embeddings?api-version=2024-10-21");
    expect(exchange.headers).toMatchObject({ "api-key": "sk-test" });
    expect(exchange.headers).not.toHaveProperty("authorization");
    expect(sink.told).toEqual([`reply ${fixture("embeddings.json").toString()}`]);
  });
});

describe("what comes back from OpenAI", () => {
  it.each([
    ["chat", CHAT, "chat.json"],
    ["completions", { model: "route", prompt: "Hi" }, "completions.json"],
    ["embeddings", { model: "route", input: "a" }, "embeddings.json"],
    ["embeddings", { model: "route", input: "a", encoding_format: "base64" }, "embeddings-base64.json"],
  ] as const)("is passed on byte for byte with its usage: %s, %j", async (op, request, name) => {
    const { sink, call } = await ask(op, request);
    expect(sink.told).toEqual([`reply ${fixture(name).toString()}`]);
    const { usage } = JSON.parse(fixture(name).toString()) as { usage: Record<string, number> };
    expect(call.usage).toMatchObject({ promptTokens: usage["prompt_tokens"], totalTokens: usage["total_tokens"] });
  });

  it.each([
    ["chat", { ...CHAT, stream: true }, "chat.sse"],
    ["chat", { ...CHAT, stream: true }, "chat-tools.sse"],
    ["completions", { model: "route", prompt: "Hi", stream: true }, "completions.sse"],
  ] as const)("is streamed byte for byte: %s, %j", async (op, request, name) => {
    upstream.next(sse(fixture(name)));
    const { sink, call } = await ask(op, request);
    const data = sink.told.filter((one) => one.startsWith("data ")).map((one) => one.slice(5));
    expect(`${data.join("")}data: [DONE]\n\n`).toBe(fixture(name).toString());
    expect(sink.told.at(0)).toBe("head");
    expect(sink.told.at(-1)).toBe("end");
    expect(call.status).toBe(200);
  });

  it("is unpacked, from a server that packs it unasked", async () => {
    upstream.next(gzipped({ headers: { "content-type": "application/json" }, body: [fixture("chat.json")] }, 20));
    const { sink } = await ask("chat", CHAT);
    expect(sink.told).toEqual([`reply ${fixture("chat.json").toString()}`]);
  });

  it.each([false, true])("is a refusal with the same status and words, stream or not: %s", async (stream) => {
    const request = { ...CHAT, stream };
    upstream.next(json(fixture("error-401.json"), 401));
    const refused = await ask("chat", request);
    expect(refused.sink.error).toMatchObject({
      http: 502,
      fault: { reason: "UPSTREAM_CREDENTIALS", upstreamStatus: 401 },
    });
    expect(refused.sink.error!.message).not.toContain("sk-test");
    upstream.next(json(fixture("error-429.json"), 429, { "retry-after": "3" }));
    const busy = await ask("chat", request);
    expect(busy.sink.error).toMatchObject({ http: 429, fault: { reason: "UPSTREAM_BUSY", retryAfterMs: 3000 } });
    upstream.next(json({ error: { message: "No such model.", code: "model_not_found" } }, 404));
    const unknown = await ask("chat", request);
    expect(unknown.sink.error).toMatchObject({
      message: "No such model.",
      http: 404,
      fault: { reason: "UPSTREAM_REJECTED", code: "model_not_found" },
    });
    expect([refused, busy, unknown].map(({ sink }) => sink.told.length)).toEqual([1, 1, 1]);
  });

  it("is an error too when it stands in a stream, before or after the first words", async () => {
    const error = 'data: {"error":{"message":"overloaded","code":503}}\n\n';
    const first = events(fixture("chat.sse"))[0]!.toString();
    upstream.next(sse(error), sse(`${first}${error}`));
    const early = await ask("chat", { ...CHAT, stream: true });
    expect(early.sink.told).toEqual(["fail UPSTREAM_FAILED"]);
    const late = await ask("chat", { ...CHAT, stream: true });
    expect(late.sink.told).toEqual(["head", `data ${first}`, "fail UPSTREAM_FAILED"]);
  });
});

describe("a second target", () => {
  const both = [`${upstream.url}/first`, `${upstream.url}/second`];

  it.each([
    ["fails", json({ error: { message: "oops" } }, 500)],
    ["refuses our key", json(fixture("error-401.json"), 401)],
    ["is busy", json(fixture("error-429.json"), 429)],
    ["answers with a page", json("<html>", 200, { "content-type": "text/html" })],
    ["breaks off", { ...json(fixture("chat.json")), cutAt: 10 }],
    ["never answers", { hold: new Promise(() => undefined) }],
  ])("answers when the first %s", async (_why, script) => {
    upstream.next(script);
    const { sink, call, exchange } = await ask("chat", CHAT, {}, both, 1000);
    expect(sink.told).toEqual([`reply ${fixture("chat.json").toString()}`]);
    expect(call.attempt).toBe(2);
    expect(exchange.url).toBe("/second/chat/completions");
  });

  it("answers when nobody listens at the first", async () => {
    const gone = await fakeUpstream();
    await gone.close();
    const { sink, call } = await ask("chat", CHAT, {}, [gone.url, `${upstream.url}/v1`]);
    expect(sink.ends).toBe(1);
    expect(sink.error).toBeUndefined();
    expect(call.attempt).toBe(2);
  });

  it("is not asked when the first refuses the request itself", async () => {
    const before = upstream.hits;
    upstream.next(json({ error: { message: "n is too large" } }, 400));
    const { sink } = await ask("chat", CHAT, {}, both);
    expect(sink.error).toMatchObject({ message: "n is too large", http: 400 });
    expect(upstream.hits - before).toBe(1);
  });
});
