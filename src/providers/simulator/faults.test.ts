import { describe, expect, it } from "vitest";
import { fakeClock, microtasks } from "../../../test/support/clock.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { ask, openSimulator, type SettingsInit, says, start, toolsOf } from "../../../test/support/simulator.ts";
import { RecordingSink } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Upstream } from "../../core/provider.ts";
import { run } from "../../core/run.ts";

type FaultInit = NonNullable<SettingsInit["faults"]>[number];

const WORDS = 'You said: "Hello there" (simulated; no model was asked)';
const clock = fakeClock();
const faulty = (...faults: FaultInit[]): Upstream => openSimulator({ faults }, toolsOf({ clock }));

/** Runs a call over the upstreams in turn, for ten seconds of the test's time; target models are a, b ... */
async function call(upstreams: readonly Upstream[], more: JsonObject = {}, text = "Hello there") {
  const targets = upstreams.map((upstream, index) => ({
    ...targetOf(upstream.exchange!, index, upstream),
    model: String.fromCharCode(97 + index),
  }));
  const plan = planOf(targets);
  const stream = more["stream"] === true;
  const { arrival } = callOf(plan, stream, { started: clock.now() });
  const made = new Call(arrival, plan, Body.ofJson(says(text, more)), stream);
  const sink = new RecordingSink(false);
  run(made, sink, clock);
  for (let second = 0; second < 10; second++) {
    await microtasks();
    clock.advance(1000);
  }
  expect(sink.ends).toBe(1);
  return { sink, call: made, error: sink.error, text: textOf(sink) };
}

/** What a client shows. */
function textOf({ told }: RecordingSink): string {
  type Choice = { message?: { content: string }; delta?: { content?: string } };
  const jsons = told.flatMap((one) => /^(?:reply|event) (.*)/s.exec(one)?.[1] ?? []);
  const choices = jsons.flatMap((json) => (JSON.parse(json) as { choices: Choice[] }).choices);
  return choices.map(({ message, delta }) => message?.content ?? delta?.content ?? "").join("");
}

const always = {
  status: { what: { case: "status", value: 503 } },
  unreachable: { what: { case: "unreachable", value: true } },
  stall: { what: { case: "stall", value: true } },
  silent: { what: { case: "stallAfterChunks", value: 0 } },
  cut: { what: { case: "cutAtByte", value: 0 } },
  malformed: { what: { case: "malformedChunk", value: 1 } },
  error: { what: { case: "errorChunk", value: 1 } },
} as const satisfies Record<string, FaultInit>;

describe("a simulated fault", () => {
  it.each(Object.entries(always))(
    "before the first chunk, such as %s, makes the next target answer",
    async (_name, fault) => {
      for (const stream of [false, true]) {
        const { call: made, sink, text } = await call([faulty(fault), openSimulator()], { stream });
        expect(text).toBe(WORDS);
        expect(sink.told.at(-1)).toMatch(stream ? /^end$/ : /^reply /);
        expect(made).toMatchObject({ attempt: 2, target: { model: "b" } });
      }
    },
  );

  it.each([
    ["status", "UPSTREAM_FAILED", 502],
    ["unreachable", "UPSTREAM_UNREACHABLE", 503],
    ["stall", "DEADLINE_PASSED", 504],
    ["silent", "DEADLINE_PASSED", 504],
    ["cut", "UPSTREAM_FAILED", 502],
    ["malformed", "UPSTREAM_FAILED", 502],
    ["error", "UPSTREAM_FAILED", 502],
  ] as const)("of the kind %s reaches the caller as %s when no target is left", async (name, reason, http) => {
    for (const stream of [false, true]) {
      const { error } = await call([faulty(always[name])], { stream });
      expect(error).toMatchObject({ fault: { reason }, http });
    }
  });

  it.each([
    ["stallAfterChunks", 4],
    ["cutAtByte", 1100],
    ["malformedChunk", 5],
    ["errorChunk", 5],
  ] as const)("within the stream, %s, ends it with an error after what was sent", async (name, value) => {
    const {
      sink,
      error,
      text,
      call: made,
    } = await call([faulty({ what: { case: name, value } as FaultInit["what"] & object }), openSimulator()], {
      stream: true,
    });
    expect(sink.told.filter((one) => one.startsWith("event")).length).toBe(4);
    expect(WORDS.startsWith(text) && text !== "").toBe(true);
    expect(error?.fault.reason).toBe(name === "stallAfterChunks" ? "DEADLINE_PASSED" : "UPSTREAM_FAILED");
    expect(made.attempt).toBe(1);
  });

  it.each(["stallAfterChunks", "cutAtByte", "malformedChunk", "errorChunk"] as const)(
    "%s at a place that the answer does not reach does nothing",
    async (name) => {
      const { text } = await call([faulty({ what: { case: name, value: 100_000 } })], { stream: true });
      expect(text).toBe(WORDS);
    },
  );

  it("cuts at every byte of a stream, and no call takes the part for the whole", async () => {
    const request = says("Hi", { model: "a", stream: true });
    const full = start(openSimulator(), "chat", request);
    await microtasks();
    for (let at = 0; at < full.text.length; at++) {
      const part = start(faulty({ what: { case: "cutAtByte", value: at } }), "chat", request);
      await microtasks();
      expect(part).toMatchObject({ outcome: "broken", text: full.text.slice(0, at) });
    }
    const { error } = await call(
      [faulty({ what: { case: "cutAtByte", value: full.text.length - 20 } })],
      { stream: true },
      "Hi",
    );
    expect(error?.fault.reason).toBe("UPSTREAM_FAILED");
  });

  it("refuses with an error in OpenAI's form, and says when to come back", async () => {
    const faults: FaultInit[] = [
      { what: { case: "status", value: 429 }, retryAfter: { seconds: 1n, nanos: 500_000_000 } },
    ];
    const { status, json } = await ask("chat", says("Hi"), { faults });
    expect(status).toBe(429);
    expect(json.error).toEqual({
      message: "Simulated fault: status 429.",
      type: "rate_limit_error",
      param: null,
      code: "rate_limit_exceeded",
    });
    const { error } = await call([faulty(...faults)]);
    expect(error).toMatchObject({
      http: 429,
      fault: { reason: "UPSTREAM_BUSY", retryAfterMs: 1500, upstreamStatus: 429 },
    });
  });

  it("of the caller's kind goes to the caller, not to the next target", async () => {
    const { error, call: made } = await call([faulty({ what: { case: "status", value: 404 } }), openSimulator()]);
    expect(error).toMatchObject({ http: 404, fault: { reason: "UPSTREAM_REJECTED" } });
    expect(made.attempt).toBe(1);
  });

  it.each([
    ["every", 3, "--x--x--x"],
    ["first", 2, "xx-------"],
    ["every", 1, "xxxxxxxxx"],
  ] as const)("comes in %s %i requests", async (name, value, pattern) => {
    const upstream = faulty({ ...always.status, when: { case: name, value } });
    let seen = "";
    for (let request = 0; request < pattern.length; request++) {
      const recorded = start(upstream, "embeddings", { input: "a" });
      await microtasks();
      seen += recorded.status === 503 ? "x" : "-";
    }
    expect(seen).toBe(pattern);
  });

  it("comes at random in its share of the requests, and the first one that is due is played", async () => {
    const rolls = [0.1, 0.3, 0.3, 0.9, 0.6, 0.25];
    const faults: FaultInit[] = [
      { what: { case: "status", value: 500 }, when: { case: "rate", value: 0.25 } },
      { what: { case: "status", value: 429 }, when: { case: "rate", value: 0.5 } },
    ];
    const upstream = openSimulator({ faults }, toolsOf({ random: () => rolls.shift()! }));
    const statuses: unknown[] = [];
    for (let request = 0; request < 3; request++) {
      const recorded = start(upstream, "embeddings", { input: "a" });
      await microtasks();
      statuses.push(recorded.status);
    }
    expect(statuses).toEqual([500, 429, 200]);
    expect(rolls).toEqual([0.25]);
  });
});
