/** What everybody may ask for, and keep open: it takes no place from calls, and has an end. */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Health } from "../../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.js";
import { rawSocket } from "../support/raw.ts";
import { WIRES } from "../support/rpc.ts";
import { type Here, startHere } from "./here.ts";

const MOST = 4;
const KEY = "ann-0123456789-abcdef";
let here: Here;
beforeAll(async () => {
  here = await startHere(`
listen: {max_calls: ${MOST}}
auth: {keys: [{name: ann, key: ${KEY}}]}
routes:
- {name: chat, route_type: llm/v1/chat, model: {provider: simulator, name: m}}
`);
});
afterAll(() => here[Symbol.asyncDispose]());

const [, transport] = WIRES.find(([name]) => name === "gRPC")!;
const call = async () => {
  const headers = { "content-type": "application/json", "x-api-key": KEY };
  const body = '{"model":"chat","messages":[{"role":"user","content":"hi"}]}';
  const reply = await fetch(`${here.url}/v1/chat/completions`, { method: "POST", headers, body });
  await reply.text();
  return reply.status;
};

it("watches of health by strangers take no place from a call; of too many, the oldest end", async () => {
  const { watch, check } = createClient(Health, transport(here.url));
  const away = new AbortController();
  const ended: unknown[] = [];
  let told = 0;
  const one = async (nth: number) => {
    try {
      for await (const _status of watch({}, { signal: away.signal })) told++;
    } catch (error) {
      ended.push([nth, ConnectError.from(error).code]);
    }
  };
  const all: Promise<void>[] = [];
  for (let nth = 0; nth < MOST * 2; nth++) {
    all.push(one(nth));
    await expect.poll(() => told).toBe(nth + 1);
  }
  await expect.poll(() => ended.length).toBe(MOST);
  expect(ended).toEqual(Array.from({ length: MOST }, (_, nth) => [nth, Code.Unavailable]));
  expect(await call()).toBe(200);
  expect((await check({})).status).toBe(1);
  expect((await fetch(`${here.url}/livez`)).status).toBe(200);
  away.abort();
  await Promise.all(all);
  await expect.poll(() => here.underWay()).toBe(0);
});

it("questions to reflection that never end, neither", async () => {
  const { serverReflectionInfo } = createClient(ServerReflection, transport(here.url));
  const away = new AbortController();
  async function* silence() {
    await new Promise<void>((resolve) => away.signal.addEventListener("abort", () => resolve()));
    yield* [];
  }
  const ended: Code[] = [];
  const one = async () => {
    try {
      for await (const _answer of serverReflectionInfo(silence(), { signal: away.signal }));
    } catch (error) {
      ended.push(ConnectError.from(error).code);
    }
  };
  const all = Array.from({ length: MOST * 2 }, one);
  await expect.poll(() => ended).toEqual(Array.from({ length: MOST }, () => Code.Unavailable));
  expect(await call()).toBe(200);
  away.abort();
  await Promise.all(all);
  await expect.poll(() => here.underWay()).toBe(0);
});

it("neither holds up the end of the gateway", async () => {
  await using other = await startHere("routes: []");
  const { serverReflectionInfo } = createClient(ServerReflection, transport(other.url));
  async function* silence() {
    await new Promise(() => {});
    yield* [];
  }
  const asked = (async () => {
    for await (const _answer of serverReflectionInfo(silence()));
  })();
  const failed = expect(asked).rejects.toMatchObject({ code: Code.Unavailable });
  await expect.poll(() => other.underWay()).toBe(1);
  const began = performance.now();
  other.gateway.stop();
  await other.gateway.drain();
  // Its own side it may end for some seconds more.
  expect(performance.now() - began).toBeLessThan(10_000);
  await failed;
});

it("callers who were refused and go on sending take no place from a call, either", async () => {
  const many = await Promise.all(Array.from({ length: MOST * 3 }, () => rawSocket(here.port)));
  const head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  for (const raw of many) raw.send(`${head}content-length: 1000\r\n\r\n{`);
  await Promise.all(many.map((raw) => raw.until("HTTP/1.1 401")));
  expect(await call()).toBe(200);
  for (const raw of many) await raw[Symbol.asyncDispose]();
});

it("calls are bounded, and there is room again after", async () => {
  const held = await Promise.all(Array.from({ length: MOST }, () => rawSocket(here.port)));
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: ${KEY}\r\ncontent-type: application/json\r\n`;
  for (const raw of held) raw.send(`${head}content-length: 1000\r\n\r\n{`);
  await expect.poll(() => here.underWay()).toBe(MOST);
  expect(await call()).toBe(503);
  for (const raw of held) await raw[Symbol.asyncDispose]();
  await expect.poll(() => here.underWay()).toBe(0);
  expect(await call()).toBe(200);
});
