/** Requests of every protocol that were bent on their way: bytes changed, lost, doubled, put in. None hurts the gateway. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { chatConfig } from "../lifecycle/gateway.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { END_STREAM, frame, preface, request, TYPE } from "../support/frames.ts";
import { rawSocket } from "../support/raw.ts";
import { type Here, startHere } from "./here.ts";

const CALLERS = process.env["POLYGATE_TEST_ALL"] === "1" ? 5_000 : 1_000;
const AT_ONCE = 20;
const MOST_BENDS = 3;
/** Longer than whoever was refused may go on sending. */
const CALM_MS = 10_000;

let upstream: FakeUpstream;
let here: Here;
beforeAll(async () => {
  upstream = await fakeUpstream();
  here = await startHere(chatConfig(upstream.url));
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await upstream.close();
});
const lost: unknown[] = [];
const keep = (error: unknown) => void lost.push(error);
beforeEach(() => void process.on("unhandledRejection", keep).on("uncaughtException", keep));
afterEach(() => void process.off("unhandledRejection", keep).off("uncaughtException", keep));

const BODY = '{"model":"chat","messages":[{"role":"user","content":"hi"}]}';
const STREAM = BODY.replace("{", '{"stream":true,');
const TYPED = '{"model":"chat","messages":[{"role":"ROLE_USER","text":"hi"}]}';
const ENVELOPE = Buffer.concat([Buffer.from([0, 0, 0, 0, TYPED.length]), Buffer.from(TYPED)]);
const LINES = (path: string, type: string) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n`;
const sized = (path: string, body: string | Buffer, type = "application/json") =>
  Buffer.concat([
    Buffer.from(`${LINES(path, type)}content-length: ${body.length}\r\n\r\n`),
    Buffer.from(body as string),
  ]);
const chunked = (path: string, body: string) =>
  Buffer.from(
    `${LINES(path, "application/json")}expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );
const http2 = (path: string, body: string | Buffer, type = "application/json") =>
  Buffer.concat([
    preface(),
    request(1, 0, { ":method": "POST", ":path": path, "content-type": type, te: "trailers" }),
    frame(TYPE.data, END_STREAM, 1, body),
  ]);
const RPC = "/polygate.v1.ChatService";
const WHOLE: readonly Buffer[] = [
  sized("/v1/chat/completions", BODY),
  sized("/v1/chat/completions", STREAM),
  chunked("/v1/chat/completions", STREAM),
  sized("/gateway/chat/invocations", BODY.replace('"model":"chat",', "")),
  sized(`${RPC}/Chat`, TYPED),
  sized(`${RPC}/StreamChat`, ENVELOPE, "application/connect+json"),
  sized(`${RPC}/Chat`, ENVELOPE, "application/grpc-web+json"),
  http2("/v1/chat/completions", STREAM),
  http2(`${RPC}/Chat`, ENVELOPE, "application/grpc+json"),
  http2(`${RPC}/StreamChat`, ENVELOPE, "application/grpc+json"),
  http2("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ENVELOPE, "application/grpc+json"),
];
const STRANGE = ["\r\n", "\0", "\xff", "{", '"', "\n", "content-length: 5\r\n", "\r\n\r\n"];

/** Numbers from 0 to 1, the same in every run. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

function bent(whole: Buffer, roll: () => number): Buffer {
  let bytes = Buffer.from(whole);
  for (let bends = Math.floor(roll() * (MOST_BENDS + 1)); bends > 0; bends--) {
    const at = Math.floor(roll() * bytes.length);
    const strange = Buffer.from(STRANGE[Math.floor(roll() * STRANGE.length)]!, "latin1");
    const ways = [
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from([roll() * 256]), bytes.subarray(at + 1)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + Math.floor(roll() * 8))]),
      () => Buffer.concat([bytes.subarray(0, at), strange, bytes.subarray(at)]),
      () => Buffer.concat([bytes, bytes.subarray(0, at)]),
      () => bytes.subarray(0, at),
    ];
    bytes = Buffer.from(ways[Math.floor(roll() * ways.length)]!());
  }
  return bytes;
}

it(`${CALLERS} of them are answered or cut, and leave no defect, no exchange and no trace`, {
  timeout: 120_000,
}, async () => {
  let nth = 0;
  const caller = async () => {
    while (nth < CALLERS) {
      const roll = dice(nth++);
      roll();
      const raw = await rawSocket(here.port);
      raw.send(bent(WHOLE[Math.floor(roll() * WHOLE.length)]!, roll));
      await new Promise((resolve) => setTimeout(resolve, roll() * 8));
      if (roll() < 0.3) raw.socket.resetAndDestroy();
      await raw[Symbol.asyncDispose]();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  await expect.poll(() => here.underWay(), { timeout: CALM_MS }).toBe(0);
  expect(upstream.hits).toBeGreaterThan(0);
  expect(here.log()).not.toContain('"level":"error"');
  expect(lost).toEqual([]);
  for (const whole of WHOLE.slice(0, 2)) {
    await using raw = await rawSocket(here.port);
    raw.send(whole);
    expect(await raw.until("\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
  }
});
