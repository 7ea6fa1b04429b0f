/** Work grows as the bytes do: an event four times as long costs about four times as much, and not sixteen. */
import { expect, it } from "vitest";
import { jsonEvents, jsonLines } from "../../src/core/frames.ts";
import type { StreamDecoder } from "../../src/core/provider.ts";
import { type StreamListener, StreamReader } from "../../src/core/sse.ts";

const silent: StreamListener = {
  onEvent: () => undefined,
  onWhole: () => undefined,
  onDone: () => undefined,
  onBad: (why) => expect.fail(why),
  onFault: (error) => expect.fail(error.message),
};

const READERS: readonly [name: string, make: () => StreamDecoder, around: readonly [string, string]][] = [
  ["OpenAI's events", () => new StreamReader(silent), ["data: ", "\n\n"]],
  ["OpenAI's events with CR", () => new StreamReader(silent), ["data: ", "\r\n\r\n"]],
  ["events of other dialects", () => jsonEvents(silent, () => undefined), ["data: ", "\n\n"]],
  ["lines", () => jsonLines(silent, () => undefined), ["", "\n"]],
];

/** Least CPU milliseconds of three for one event of so many bytes, in chunks of 200. */
function cost(make: () => StreamDecoder, [before, after]: readonly [string, string], bytes: number): number {
  const event = Buffer.from(`${before}{"choices":[{"delta":{"content":"${"x".repeat(bytes)}"}}]}${after}`);
  const tries = [1, 2, 3].map(() => {
    const reader = make();
    const start = process.cpuUsage();
    for (let at = 0; at < event.length; at += 200) reader.push(event.subarray(at, at + 200));
    reader.finish();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return Math.min(...tries);
}

it.each(READERS)("%s", (_, make, around) => {
  cost(make, around, 200_000);
  const [short, long] = [cost(make, around, 1_000_000), cost(make, around, 8_000_000)];
  // Eight times the bytes; squared it would be 64 times the work. A millisecond is what the clock cannot tell apart.
  expect(long / Math.max(short, 1)).toBeLessThan(30);
});
