import { crc32 } from "node:zlib";
import { EventStreamCodec, Int64 } from "@smithy/eventstream-codec";
import { describe, expect, it } from "vitest";
import { chunkFrame, errorFrame, eventFrame, exceptionFrame } from "../../../test/support/event-stream.ts";
import { EventStreamDecoder } from "./event-stream.ts";

/** Reads the pieces, and says what was told and how it ended. */
function read(pieces: readonly Buffer[], maxEventBytes?: number) {
  const told: string[] = [];
  const decoder = new EventStreamDecoder(
    { onBad: (why) => told.push(`bad: ${why}`) },
    {
      event: (type, json) => told.push(`${type} ${JSON.stringify(json)}`),
      exception: (type, json) => told.push(`exception ${type} ${JSON.stringify(json)}`),
    },
    maxEventBytes,
  );
  for (const piece of pieces) decoder.push(piece);
  return { told, cut: decoder.finish() };
}

const EVENTS = [
  eventFrame("messageStart", { role: "assistant" }),
  eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "東京 👩‍🚀" } }),
  chunkFrame({ outputText: "hi" }),
];
const STREAM = Buffer.concat(EVENTS);
const TOLD = [
  'messageStart {"role":"assistant"}',
  'contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"東京 👩‍🚀"}}',
  'chunk {"bytes":"eyJvdXRwdXRUZXh0IjoiaGkifQ==","p":"abcdefgh"}',
];

describe("AWS's event stream", () => {
  it("is read wherever its bytes are cut, in one or two places and everywhere", () => {
    const whole = { told: TOLD, cut: false };
    expect(read([STREAM])).toEqual(whole);
    expect(read([...STREAM].map((byte) => Buffer.of(byte)))).toEqual(whole);
    for (let at = 0; at <= STREAM.length; at++) {
      expect(read([STREAM.subarray(0, at), STREAM.subarray(at)]), `cut at ${at}`).toEqual(whole);
    }
    for (let at = 3; at < STREAM.length - 20; at += 7) {
      const pieces = [STREAM.subarray(0, at), STREAM.subarray(at, at + 20), STREAM.subarray(at + 20)];
      expect(read(pieces), `cut at ${at} and 20 later`).toEqual(whole);
    }
  });

  it("is cut when it ends within a frame, and whole between two", () => {
    const ends = EVENTS.map((_, n) => EVENTS.slice(0, n).reduce((sum, one) => sum + one.length, 0));
    for (let length = 0; length < STREAM.length; length++) {
      expect(read([STREAM.subarray(0, length)]).cut, `${length} bytes`).toBe(!ends.includes(length));
    }
  });

  it("is broken by any byte that changed on its way, and nothing is told after", () => {
    const frame = EVENTS[1]!;
    for (let at = 0; at < frame.length; at++) {
      const changed = Buffer.from(frame);
      changed[at]! ^= 0x20;
      const { told } = read([changed, EVENTS[0]!]);
      expect(told, `byte ${at}`).toEqual([
        expect.stringMatching(at < 12 ? /^bad: .*prelude/ : /^bad: a frame's checksum/),
      ]);
    }
  });

  it("is refused at once when a frame announces more than the limit, before any of it is waited for", () => {
    const large = eventFrame("contentBlockDelta", { text: "x".repeat(1000) });
    expect(read([large.subarray(0, 12)], 1000).told).toEqual(["bad: one event is larger than 1000 bytes"]);
    expect(read([large], 2000).told).toHaveLength(1);
    expect(read([eventFrame("contentBlockDelta", { text: "x".repeat(11_000_000) }).subarray(0, 100)]).told).toEqual([
      "bad: one event is larger than 10485760 bytes",
    ]);
  });

  it("tells failures as such, modelled or not", () => {
    expect(read([EVENTS[0]!, exceptionFrame("throttlingException", "Slow down.")]).told).toEqual([
      TOLD[0],
      'exception throttlingException {"message":"Slow down."}',
    ]);
    expect(read([errorFrame("InternalError", "An internal error.")]).told).toEqual([
      'exception InternalError {"message":"An internal error."}',
    ]);
  });

  it("is broken by what is no JSON object", () => {
    expect(read([eventFrame("messageStart", [1])]).told).toEqual(["bad: an event is not a JSON object"]);
  });

  it("may have headers of every type, of which it reads the texts", () => {
    const codec = new EventStreamCodec(
      (bytes) => Buffer.from(bytes as Uint8Array).toString(),
      (text) => Buffer.from(text),
    );
    const frame = codec.encode({
      headers: {
        yes: { type: "boolean", value: true },
        no: { type: "boolean", value: false },
        byte: { type: "byte", value: 1 },
        short: { type: "short", value: 2 },
        integer: { type: "integer", value: 3 },
        long: { type: "long", value: Int64.fromNumber(4) },
        bytes: { type: "binary", value: Uint8Array.of(5, 6) },
        when: { type: "timestamp", value: new Date(7) },
        uuid: { type: "uuid", value: "01234567-89ab-cdef-0123-456789abcdef" },
        ":event-type": { type: "string", value: "chunk" },
        ":message-type": { type: "string", value: "event" },
      },
      body: Buffer.from("{}"),
    });
    expect(read([Buffer.from(frame)])).toEqual({ told: ["chunk {}"], cut: false });
  });

  it("is broken by headers that go on past their end, or are of no type, though the checksums are right", () => {
    for (const headers of [
      [1, 97, 7, 0, 9, 98],
      [1, 97, 7, 0],
      [1, 97, 10],
      [9, 97],
      [1, 97],
    ]) {
      const bytes = Buffer.alloc(16 + headers.length);
      bytes.writeUInt32BE(bytes.length, 0);
      bytes.writeUInt32BE(headers.length, 4);
      bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
      bytes.set(headers, 12);
      bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
      expect(read([bytes]).told, String(headers)).toEqual(["bad: a frame's headers cannot be read"]);
    }
  });

  it("takes time in proportion to its bytes, however small the pieces", () => {
    const one = eventFrame("contentBlockDelta", { delta: { text: "x".repeat(500_000) } });
    const pieces = Array.from({ length: Math.ceil(one.length / 50) }, (_, n) => one.subarray(n * 50, n * 50 + 50));
    const from = performance.now();
    expect(read(pieces).told).toHaveLength(1);
    // Joining anew for each piece would move 2.5 GB.
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});
