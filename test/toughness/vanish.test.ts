/** Callers that vanish, at any moment and in any way, from any protocol: nothing of them stays. */
import { create, toBinary } from "@bufbuild/protobuf";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Role, StreamChatRequestSchema } from "../../gen/polygate/v1/chat_pb.js";
import { chatConfig } from "../lifecycle/gateway.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { END_STREAM, frame, preface, request, reset, TYPE } from "../support/frames.ts";
import { type RawSocket, rawSocket } from "../support/raw.ts";
import { type Here, startHere } from "./here.ts";

const CALLERS = process.env["POLYGATE_TEST_ALL"] === "1" ? 10_000 : 500;
const AT_ONCE = 40;

let upstream: FakeUpstream;
let here: Here;
beforeAll(async () => {
  upstream = await fakeUpstream();
  const pieces = Array.from({ length: 20 }, (_, n) => `data: {"choices":[{"index":0,"delta":{"content":"${n}"}}]}\n\n`);
  // A model that thinks for a moment, and says its answer in pieces.
  upstream.always(({ body }) => ({
    hold: pause(2),
    headers: {
      "content-type": body.includes('"stream":true') ? "text/event-stream" : "application/json",
      // An idle connection is let go a second later.
      "keep-alive": "timeout=3",
    },
    body: body.includes('"stream":true')
      ? [...pieces.flatMap((piece) => [piece, pause(1)]), "data: [DONE]\n\n"]
      : [
          '{"choices":[{"index":0,"message":{"role":"assistant","content":"',
          pause(1),
          'hi"},"finish_reason":"stop"}]}',
        ],
  }));
  here = await startHere(chatConfig(upstream.url));
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await upstream.close();
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const JSON_BODY = '{"model":"chat","messages":[{"role":"user","content":"hi"}]}';
const STREAM_BODY = '{"model":"chat","stream":true,"messages":[{"role":"user","content":"hi"}]}';
const http1 = (body: string, path = "/v1/chat/completions") =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const http2 = (body: string | Uint8Array, path = "/v1/chat/completions", type = "application/json") =>
  Buffer.concat([
    preface(),
    request(1, 0, { ":method": "POST", ":path": path, "content-type": type, te: "trailers" }),
    frame(TYPE.data, END_STREAM, 1, Buffer.from(body as string)),
  ]);
const question = create(StreamChatRequestSchema, {
  chat: { model: "chat", messages: [{ role: Role.USER, content: { case: "text", value: "hi" } }] },
});
const GRPC = encodeEnvelope(0, toBinary(StreamChatRequestSchema, question));

/** A number from 0 to 1 for every number, the same in every run. */
const chance = (seed: number) => ((Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 8) % 10_000) / 10_000;

const WAYS: readonly ((raw: RawSocket, part: number) => unknown)[] = [
  () => {},
  (raw, part) => raw.send(cut(http1(JSON_BODY), part)),
  (raw, part) => raw.send(cut(http1(STREAM_BODY), part)),
  (raw, part) => raw.send(cut(http2(JSON_BODY), part)),
  (raw, part) => raw.send(cut(http2(STREAM_BODY), part)),
  (raw) => raw.send(http1(JSON_BODY)),
  (raw) => raw.send(http1(STREAM_BODY)),
  (raw) => raw.send(http1(JSON_BODY.replace('"model":"chat",', ""), "/gateway/chat/invocations")),
  (raw) =>
    raw.send(http1('{"model":"chat","messages":[{"role":"ROLE_USER","text":"hi"}]}', "/polygate.v1.ChatService/Chat")),
  (raw) => raw.send(http2(GRPC, "/polygate.v1.ChatService/StreamChat", "application/grpc")),
  (raw, part) => raw.send(Buffer.concat([http2(JSON_BODY), part < 0.5 ? reset(1) : Buffer.alloc(0)])),
  (raw, part) => raw.send(Buffer.concat([http2(STREAM_BODY), part < 0.5 ? reset(1) : Buffer.alloc(0)])),
  async (raw) => {
    raw.send(http1(STREAM_BODY));
    await raw.until("delta").catch(() => {});
  },
  async (raw) => {
    raw.send(http2(STREAM_BODY));
    await raw.until("delta").catch(() => {});
    raw.send(reset(1));
  },
  async (raw) => {
    raw.send(http1(JSON_BODY));
    await raw.until('"stop"').catch(() => {});
  },
  async (raw) => {
    raw.send(http1(STREAM_BODY) + http1(JSON_BODY));
    await raw.until("delta").catch(() => {});
  },
];
const cut = (bytes: string | Buffer, part: number) =>
  Buffer.from(bytes as string, "latin1").subarray(0, part * bytes.length);

async function caller(nth: number): Promise<void> {
  const raw = await rawSocket(here.port);
  await WAYS[nth % WAYS.length]!(raw, chance(nth));
  const wait = chance(nth + 7) * 8;
  if (wait > 1) await pause(wait);
  if (raw.socket.destroyed) return;
  const how = Math.floor(chance(nth + 13) * 3);
  if (how === 0) raw.socket.resetAndDestroy();
  else if (how === 1) raw.socket.destroy();
  else {
    raw.socket.end();
    // The other side ends, too, when it has nothing more to say; who waits for that longest is no part of this test.
    await Promise.race([raw.closed, pause(50)]);
    raw.socket.destroy();
  }
  await raw.closed;
}

/** What keeps the process alive, by its kind. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** The same, once it has not changed for a second. */
async function calm(): Promise<Record<string, number>> {
  let last = JSON.stringify(handles());
  for (let same = 0, tries = 0; same < 20 && tries < 200; tries++) {
    await pause(50);
    const now = JSON.stringify(handles());
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return JSON.parse(last) as Record<string, number>;
}

it(`${CALLERS} of them leave no exchange, no connection, no timer and no bytes`, { timeout: 120_000 }, async () => {
  await Promise.all(Array.from({ length: WAYS.length }, (_, nth) => caller(nth)));
  await expect.poll(() => here.underWay(), { timeout: 10_000 }).toBe(0);
  await upstream.idle();
  const before = await calm();
  let nth = 0;
  const crowd = Array.from({ length: AT_ONCE }, async () => {
    while (nth < CALLERS) await caller(nth++);
  });
  await Promise.all(crowd);
  await expect.poll(() => here.underWay(), { timeout: 10_000 }).toBe(0);
  await upstream.idle();
  // Not by `expect.poll`, which has timers of its own.
  expect(await calm()).toEqual(before);
  expect(upstream.connections.open).toBe(0);
  expect(here.log()).not.toContain('"level":"error"');
  expect((await fetch(`${here.url}/livez`)).status).toBe(200);
});
