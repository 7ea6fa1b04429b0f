import { expect, it } from "vitest";
import { jsonEvents, jsonLines } from "./frames.ts";
import type { StreamDecoder } from "./provider.ts";
import type { StreamListener } from "./sse.ts";

type Make = typeof jsonEvents;

function read(make: Make, bytes: Buffer, cuts: readonly number[], maxEventBytes?: number) {
  const told: string[] = [];
  const on: StreamListener = {
    onEvent: () => undefined,
    onWhole: () => undefined,
    onDone: () => void told.push("done"),
    onBad: (why) => void told.push(`bad: ${why}`),
    onFault: () => undefined,
  };
  const reader: StreamDecoder = make(on, (json, event) => told.push(`${event}${JSON.stringify(json)}`), maxEventBytes);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    reader.push(bytes.subarray(from, cut));
    from = cut;
  }
  return { told, cut: reader.finish() };
}

const EVENTS = 'event: a\ndata: {"x":"é🚀"}\n\n: ping\n\ndata: {"y":\ndata: 2}\n\ndata: [DONE]\n\n';
const LINES = '{"x":"é🚀"}\n\n {"y":2}\r\n{"z":3}';

it.each(["\n", "\r\n", "\r"])("reads events with %j as the end of a line, cut at any byte", (end) => {
  const bytes = Buffer.from(EVENTS.replaceAll("\n", end));
  for (let at = 0; at <= bytes.length; at++) {
    expect(read(jsonEvents, bytes, [at])).toEqual({ told: ['a{"x":"é🚀"}', '{"y":2}', "done"], cut: false });
  }
});

it("reads lines cut at any byte, the last one without its end", () => {
  const bytes = Buffer.from(LINES);
  for (let at = 0; at <= bytes.length; at++) {
    expect(read(jsonLines, bytes, [at])).toEqual({ told: ['{"x":"é🚀"}', '{"y":2}', '{"z":3}'], cut: false });
  }
});

it("tells of half a line as cut, and of no object as bad", () => {
  expect(read(jsonLines, Buffer.from('{"x":1}\n{"y"'), [])).toEqual({ told: ['{"x":1}'], cut: true });
  expect(read(jsonLines, Buffer.from("[1]\n{}\n"), [])).toEqual({
    told: ["bad: a line is not a JSON object"],
    cut: false,
  });
  expect(read(jsonEvents, Buffer.from("data: {\n\ndata: {}\n\n"), [])).toEqual({
    told: ["bad: an event is not a JSON object"],
    cut: false,
  });
});

it.each([
  ["one line", jsonEvents, `data: {"x":"${"a".repeat(4000)}"}\n\n`],
  ["many lines", jsonEvents, `${"data: {\n".repeat(500)}\n`],
  ["one line", jsonLines, `{"x":"${"a".repeat(4000)}"}\n`],
] as const)("refuses an event over the cap in %s", (_, make, text) => {
  const bytes = Buffer.from(text);
  const cuts = Array.from({ length: bytes.length / 100 }, (_, i) => i * 100);
  expect(read(make, bytes, cuts, 1000).told).toEqual(["bad: one event is larger than 1000 bytes"]);
});

it("does not count what was read already, nor comments", () => {
  const text = `${'data: {"x":1}\n\n'.repeat(500)}${": ping\n\n".repeat(500)}`;
  expect(read(jsonEvents, Buffer.from(text), [4000, 8000], 5000).told).toHaveLength(500);
});
