/** What a stream promises on every protocol, through the whole gateway and real sockets. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeUpstream, fakeUpstream, type Script } from "../support/fake-upstream.ts";
import { drivers } from "./drivers.ts";
import { chatConfig, type Running, runGateway } from "./gateway.ts";

const delta = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n';
const SSE = { "content-type": "text/event-stream" };
const WHOLE = [delta("Grü"), delta("ße 🎉"), delta("", "stop"), USAGE, "data: [DONE]\n\n"];
const BYTES = Buffer.from(WHOLE.join(""));
const DONE_AT = BYTES.indexOf("data: [DONE]\n\n");

let fake: FakeUpstream;
let running: Running;
beforeAll(async () => {
  fake = await fakeUpstream();
  const limits =
    "log: { level: silent }\nlimits: { connect_timeout: 1s, first_byte_timeout: 2s, chunk_timeout: 2s, total_timeout: 20s }";
  running = await runGateway(chatConfig(fake.url, limits));
});
afterAll(async () => {
  await running[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** Runs it until it took less than `ms`, at most ten times: a busy machine is late now and then, a fault always. */
async function within(ms: number, once: () => Promise<number>): Promise<void> {
  const took: number[] = [];
  while (took.length < 10 && !took.some((one) => one < ms)) took.push(await once());
  expect(Math.min(...took)).toBeLessThan(ms);
}

describe.each(drivers)("a stream over $name", (driver) => {
  const ask = (script: Script, asking = {}) => {
    fake.always(script);
    return driver.stream(running.url, asking);
  };

  it("is whole", async () => {
    const seen = await ask({ headers: SSE, body: WHOLE });
    expect(seen).toEqual({ text: "Grüße 🎉", end: "whole", terminals: 1, why: undefined });
  });

  it("cut at any byte ends in exactly one failure of its own form, and never in success", async () => {
    for (const ending of ["reset", "fin"] as const) {
      for (let cutAt = 0; cutAt < DONE_AT; cutAt += cutAt < 20 || cutAt > DONE_AT - 20 ? 1 : 3) {
        const seen = await ask({ headers: SSE, body: [BYTES], cutAt, ending });
        expect({ cutAt, ending, end: seen.end, terminals: seen.terminals }).toEqual({
          cutAt,
          ending,
          end: "failed",
          terminals: 1,
        });
        expect("Grüße 🎉".startsWith(seen.text)).toBe(true);
      }
    }
  });

  it.each([
    ["an error event", 'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'],
    ["an event that is no JSON", "data: {oops\n\n"],
    ["the end without a finish", ""],
  ])("with %s in its middle fails once", async (_, bad) => {
    const seen = await ask({ headers: SSE, body: [WHOLE[0]!, bad] });
    expect(seen).toMatchObject({ text: "Grü", end: "failed", terminals: 1 });
  });

  it.each([
    [400, "invalid_request_error", "InvalidArgument"],
    [401, "server_error", "Unavailable"],
    [429, "rate_limit_error", "ResourceExhausted"],
    [500, "server_error", "Unavailable"],
  ])("refused with %d before its first byte is refused whole", async (status, type, code) => {
    const body = [JSON.stringify({ error: { message: "no", type } })];
    const seen = await ask({ status, headers: { "content-type": "application/json" }, body });
    expect(seen).toMatchObject({ text: "", end: "failed", terminals: 1 });
    if (!driver.name.startsWith("mlflow")) expect([type, code]).toContain(seen.why);
  });

  it("closes the provider's socket within 100 ms of its caller's leaving", async () => {
    await within(100, async () => {
      const stop = new AbortController();
      const n = fake.hits;
      const body = [WHOLE[0]!, new Promise(() => {})];
      const asked = ask({ headers: SSE, body }, { signal: stop.signal, onText: () => stop.abort() }).catch(
        () => undefined,
      );
      const exchange = await fake.exchange(n);
      await asked;
      const left = performance.now();
      await exchange.closed;
      return performance.now() - left;
    });
  });

  it.each([
    ["before the first byte", [] as string[]],
    ["in the middle", [WHOLE[0]!]],
  ])("past its caller's deadline fails within 20 ms, %s, and closes the provider", async (_, sent) => {
    await within(20, async () => {
      const n = fake.hits;
      const never = new Promise(() => {});
      const script = sent.length > 0 ? { headers: SSE, body: [...sent, never] } : { hold: never, body: [] };
      const began = performance.now();
      const asked = ask(script, { timeoutMs: 300 });
      const exchange = await fake.exchange(n);
      const seen = await asked;
      const took = performance.now() - began;
      expect(seen).toMatchObject({ end: "failed", terminals: 1 });
      expect(took).toBeGreaterThan(290);
      await exchange.closed;
      return took - 300;
    });
  });

  it("held back by a reader that does not read stops the provider, and goes on when it reads again", async () => {
    // Not to be compressed: gRPC callers take gzip.
    const pieces = Array.from({ length: 2_000 }, () => delta(randomBytes(12_000).toString("base64")));
    const n = fake.hits;
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    let first = true;
    const asked = ask(
      { headers: SSE, body: [...pieces, delta("", "stop"), "data: [DONE]\n\n"] },
      {
        onText: () => {
          if (!first) return undefined;
          first = false;
          return gate;
        },
      },
    );
    const exchange = await fake.exchange(n);
    const accepted = await exchange.settled(300);
    // 32 MB wait; the kernel's buffers and ours hold a few.
    expect(accepted).toBeLessThan(16_000_000);
    open();
    const seen = await asked;
    expect(seen).toMatchObject({ end: "whole", terminals: 1 });
    expect(seen.text).toHaveLength(2_000 * 16_000);
  });
});
