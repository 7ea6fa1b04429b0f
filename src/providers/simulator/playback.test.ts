import { describe, expect, it } from "vitest";
import { fakeClock, microtasks } from "../../../test/support/clock.ts";
import { record } from "../../../test/support/recording.ts";
import { openSimulator, says, start, toolsOf } from "../../../test/support/simulator.ts";

const STREAMED = says("Hello there", { stream: true });
const LONG = says("word ".repeat(5000), { stream: true });

/** A simulator at a time that the test sets. */
function atTime(settings: Parameters<typeof openSimulator>[0] = {}) {
  const clock = fakeClock();
  return { clock, upstream: openSimulator(settings, toolsOf({ clock })) };
}

const seconds = (value: number) => ({ seconds: BigInt(value) });

describe("a simulated exchange", () => {
  it("says nothing before it has returned, and then all of it", async () => {
    const { clock, upstream } = atTime();
    const whole = start(upstream, "chat", says("Hello"));
    expect(whole.status).toBeUndefined();
    await microtasks();
    expect(whole).toMatchObject({ status: 200, outcome: "end", headers: { "content-type": "application/json" } });
    const streamed = start(upstream, "chat", STREAMED);
    await microtasks();
    expect(streamed).toMatchObject({ status: 200, outcome: "end" });
    expect(streamed.headers["content-type"]).toMatch(/^text\/event-stream/);
    expect(streamed.chunks.length).toBeGreaterThan(5);
    expect(clock.pending).toBe(0);
  });

  it("takes its time before the first byte, and between chunks, and not before the end", async () => {
    const { clock, upstream } = atTime({ firstByteDelay: seconds(2), chunkDelay: { nanos: 500_000_000 } });
    const streamed = start(upstream, "chat", STREAMED);
    clock.advance(1999);
    await microtasks();
    expect(streamed.status).toBeUndefined();
    clock.advance(1);
    expect(streamed).toMatchObject({ status: 200, outcome: undefined });
    expect(streamed.chunks.length).toBe(1);
    clock.advance(499);
    expect(streamed.chunks.length).toBe(1);
    clock.advance(1);
    expect(streamed.chunks.length).toBe(2);
    clock.advance(60_000);
    expect(streamed.outcome).toBe("end");
    const whole = start(upstream, "chat", says("Hello"));
    clock.advance(2000);
    expect(whole.outcome).toBe("end");
  });

  it("makes no more chunks while it is paused, and goes on where it was", async () => {
    const { clock, upstream } = atTime();
    const free = start(upstream, "chat", LONG);
    const held = start(upstream, "chat", LONG, (so) => {
      if (so.chunks.length === 10) so.pause();
    });
    await microtasks();
    clock.advance(0);
    expect(free.outcome).toBe("end");
    expect(held.chunks.length).toBe(10);
    held.resume();
    expect(held.chunks.length).toBe(10);
    await microtasks();
    clock.advance(0);
    expect(held.outcome).toBe("end");
    expect(held.text).toBe(free.text);
  });

  it("holds a chunk whose time comes during a pause, and does not end during one", async () => {
    const { clock, upstream } = atTime({ chunkDelay: seconds(1) });
    const streamed = start(upstream, "chat", STREAMED, (so) => {
      if (so.chunks.length === 2 || so.text.endsWith("[DONE]\n\n")) so.pause();
    });
    await microtasks();
    clock.advance(60_000);
    expect(streamed.chunks.length).toBe(2);
    streamed.resume();
    await microtasks();
    expect(streamed.chunks.length).toBe(3);
    clock.advance(60_000);
    expect(streamed).toMatchObject({ outcome: undefined, text: expect.stringMatching(/\[DONE\]\n\n$/) });
    streamed.resume();
    await microtasks();
    expect(streamed.outcome).toBe("end");
  });

  it("is silent for good once aborted, before its first byte or from within a chunk", async () => {
    const { clock, upstream } = atTime({ firstByteDelay: seconds(1) });
    const early = start(upstream, "chat", LONG);
    early.abort();
    const late = start(upstream, "chat", LONG, (so) => so.abort());
    clock.advance(60_000);
    await microtasks();
    expect(early).toMatchObject({ status: undefined, outcome: undefined });
    expect(late).toMatchObject({ status: 200, outcome: undefined });
    expect(late.chunks.length).toBe(1);
    expect(clock.pending).toBe(0);
    const atOnce = start(atTime().upstream, "chat", LONG);
    atOnce.abort();
    await microtasks();
    expect(atOnce.status).toBeUndefined();
  });

  it("lets other work in between the chunks of a long answer", async () => {
    const { clock, upstream } = atTime();
    const streamed = start(upstream, "chat", LONG);
    await microtasks();
    expect(streamed.outcome).toBeUndefined();
    expect(streamed.chunks.length).toBe(64);
    clock.advance(0);
    expect(streamed.outcome).toBe("end");
  });

  it("refuses what it cannot read or does not have, with an error in OpenAI's form", async () => {
    const { upstream } = atTime();
    for (const [path, body, status] of [
      ["/v1/chat/completions", "{", 400],
      ["/v1/chat/completions", "[]", 400],
      ["/v1/images", "{}", 404],
    ] as const) {
      const recorded = record(upstream.exchange!, { path, headers: [], body: Buffer.from(body) });
      await microtasks();
      expect(recorded).toMatchObject({ status, outcome: "end" });
      expect(JSON.parse(recorded.text)).toEqual({
        error: {
          message: expect.any(String),
          type: "invalid_request_error",
          param: null,
          code: status === 404 ? "not_found" : null,
        },
      });
    }
  });
});
