import { describe, expect, it } from "vitest";
import { fakeClock } from "../../test/support/clock.ts";
import { callOf, planOf, targetOf } from "../../test/support/plan.ts";
import { RecordingSink, wires } from "../../test/support/sink.ts";
import { errors } from "./errors.ts";
import type { Plan } from "./plan.ts";
import { run } from "./run.ts";

const SSE = { "content-type": "text/event-stream", "transfer-encoding": "chunked" };
const JSON_TYPE = { "content-type": "application/json" };
const delta = (text: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: finish }] })}\n\n`;
const STREAM = `${delta("Grüße ")}${delta("日本 🎉")}${delta("", "stop")}data: [DONE]\n\n`;

function start({
  stream = false,
  raw = true,
  targets = 1,
  over = {} as Partial<Plan>,
  timeoutMs = undefined as number | undefined,
} = {}) {
  const clock = fakeClock();
  const { exchange, all } = wires();
  const settled: string[] = [];
  const faults: string[] = [];
  const plan = planOf(
    Array.from({ length: targets }, (_, index) => targetOf(exchange, index)),
    {
      settle: [(call) => void settled.push(call.error?.fault.reason ?? "ok")],
      fault: [(call, error) => void faults.push(`${call.attempt} ${error.fault.reason}`)],
      ...over,
    },
  );
  const call = callOf(plan, stream, { timeoutMs });
  const sink = new RecordingSink(raw);
  const running = run(call, sink, clock);
  return { clock, all, settled, faults, call, sink, running };
}

describe("a whole answer", () => {
  it("is pushed once, as it came, and settles with its usage", () => {
    const { all, sink, call, settled, clock } = start();
    const { receiver } = all[0]!;
    receiver.onHead(200, JSON_TYPE);
    receiver.onData(Buffer.from('{"choices": [], "usage":{"prompt_tokens":3,'));
    receiver.onData(Buffer.from('"completion_tokens":4,"total_tokens":7}}'));
    receiver.onEnd(true);
    expect(sink.told).toEqual([
      'reply {"choices": [], "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}',
    ]);
    expect(call.usage).toEqual({ promptTokens: 3, completionTokens: 4, totalTokens: 7 });
    expect(settled).toEqual(["ok"]);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ["an empty body", ""],
    ["half an object", '{"choices":['],
    ["a list", "[]"],
    ["no answer", '{"detail":"x"}'],
    ["a web page", "<html>"],
  ])("that is %s is the provider's failure", (_, body) => {
    const { all, sink, settled } = start();
    all[0]!.receiver.onHead(200, JSON_TYPE);
    all[0]!.receiver.onData(Buffer.from(body));
    all[0]!.receiver.onEnd(true);
    expect(sink.told).toEqual(["fail UPSTREAM_FAILED"]);
    expect(settled).toEqual(["UPSTREAM_FAILED"]);
  });

  it("that hides an error under a 200 is that error", () => {
    const { all, sink } = start();
    all[0]!.receiver.onHead(200, JSON_TYPE);
    all[0]!.receiver.onData(Buffer.from('{"error":{"message":"slow down","code":429}}'));
    all[0]!.receiver.onEnd(true);
    expect(sink.told).toEqual(["fail UPSTREAM_BUSY"]);
  });

  it("over the limit is refused and its connection closed", () => {
    const { all, sink } = start({ over: { maxReplyBytes: 10 } });
    all[0]!.receiver.onHead(200, JSON_TYPE);
    all[0]!.receiver.onData(Buffer.alloc(11));
    expect(sink.told).toEqual(["fail UPSTREAM_FAILED"]);
    expect(all[0]!.did).toEqual(["abort"]);
  });
});

describe("a stream", () => {
  it.each([true, false])("reaches the sink whole and ends once (raw sink: %s)", (raw) => {
    const { all, sink, settled, clock } = start({ stream: true, raw });
    all[0]!.receiver.onHead(200, SSE);
    for (const byte of Buffer.from(STREAM)) all[0]!.receiver.onData(Buffer.from([byte]));
    all[0]!.receiver.onEnd(true);
    expect(sink.told[0]).toBe("head");
    expect(sink.told.at(-1)).toBe("end");
    expect(sink.told).toHaveLength(5);
    expect(sink.ends).toBe(1);
    expect(settled).toEqual(["ok"]);
    expect(clock.pending).toBe(0);
  });

  it.each([true, false])("cut at any byte ends in one failure, never in success (raw sink: %s)", (raw) => {
    const bytes = Buffer.from(STREAM);
    const doneAt = bytes.indexOf("data: [DONE]") + "data: [DONE]".length;
    for (let size = 0; size < bytes.length; size++) {
      for (const how of ["broken", "closed"] as const) {
        const { all, sink, settled, clock } = start({ stream: true, raw });
        all[0]!.receiver.onHead(200, SSE);
        all[0]!.receiver.onData(bytes.subarray(0, size));
        if (how === "broken") all[0]!.receiver.onBreak("broken", new Error("reset"));
        else all[0]!.receiver.onEnd(false);
        const whole = how === "closed" && size >= doneAt;
        expect([size, how, sink.ends, sink.told.at(-1)]).toEqual([
          size,
          how,
          1,
          whole ? "end" : "fail UPSTREAM_FAILED",
        ]);
        expect(settled).toHaveLength(1);
        expect(clock.pending).toBe(0);
      }
    }
  });

  it("without [DONE] is whole when it finished and its end was framed, and only then", () => {
    const unfinished = start({ stream: true });
    unfinished.all[0]!.receiver.onHead(200, SSE);
    unfinished.all[0]!.receiver.onData(Buffer.from(delta("a")));
    unfinished.all[0]!.receiver.onEnd(true);
    expect(unfinished.sink.told.at(-1)).toBe("fail UPSTREAM_FAILED");
    const finished = start({ stream: true });
    finished.all[0]!.receiver.onHead(200, SSE);
    finished.all[0]!.receiver.onData(Buffer.from(delta("a", "stop")));
    finished.all[0]!.receiver.onEnd(true);
    expect(finished.sink.told.at(-1)).toBe("end");
  });

  it("that is refused before its first byte has the status that a whole answer would have", () => {
    for (const [status, reason] of [
      [400, "UPSTREAM_REJECTED"],
      [401, "UPSTREAM_CREDENTIALS"],
      [404, "UPSTREAM_REJECTED"],
      [429, "UPSTREAM_BUSY"],
      [500, "UPSTREAM_FAILED"],
      [529, "UPSTREAM_BUSY"],
    ] as const) {
      const outcomes = [true, false].map((stream) => {
        const { all, sink } = start({ stream });
        all[0]!.receiver.onHead(status, JSON_TYPE);
        all[0]!.receiver.onData(Buffer.from('{"error":{"message":"no"}}'));
        all[0]!.receiver.onEnd(true);
        return [sink.told, sink.error!.http, sink.error!.message];
      });
      expect(outcomes[0]).toEqual(outcomes[1]);
      expect(outcomes[0]![0]).toEqual([`fail ${reason}`]);
    }
  });

  it("whose first event is an error was never begun, so another target may answer", () => {
    const { all, sink, faults } = start({ stream: true, targets: 2 });
    all[0]!.receiver.onHead(200, SSE);
    all[0]!.receiver.onData(Buffer.from(': wait\n\ndata: {"error":{"message":"overloaded","code":503}}\n\n'));
    expect(sink.told).toEqual([]);
    expect(faults).toEqual(["1 UPSTREAM_FAILED"]);
    all[1]!.receiver.onHead(200, SSE);
    all[1]!.receiver.onData(Buffer.from(STREAM));
    expect(sink.told.at(-1)).toBe("end");
  });

  it("that fails in the middle passes on what was whole, and asks no other target", () => {
    const { all, sink } = start({ stream: true, targets: 2 });
    all[0]!.receiver.onHead(200, SSE);
    all[0]!.receiver.onData(Buffer.from(`${delta("a")}data: {"error":{"message":"overloaded"}}\n\n${delta("b")}`));
    expect(sink.told).toEqual(["head", `data ${delta("a")}`, "fail UPSTREAM_FAILED"]);
    expect(all).toHaveLength(1);
    expect(all[0]!.did).toEqual(["abort"]);
  });

  it("holds the provider back while the caller does not read, and does not call that silence", () => {
    const { all, sink, running, clock } = start({ stream: true });
    all[0]!.receiver.onHead(200, SSE);
    sink.room = false;
    all[0]!.receiver.onData(Buffer.from(delta("a")));
    expect(all[0]!.did).toEqual(["pause"]);
    clock.advance(5_000);
    expect(sink.ends).toBe(0);
    sink.room = true;
    running.resume();
    expect(all[0]!.did).toEqual(["pause", "resume"]);
    clock.advance(499);
    expect(sink.ends).toBe(0);
    clock.advance(600);
    expect(sink.told.at(-1)).toBe("fail DEADLINE_PASSED");
  });

  it("closes a provider that goes on after [DONE]", () => {
    const { all, clock } = start({ stream: true });
    all[0]!.receiver.onHead(200, SSE);
    all[0]!.receiver.onData(Buffer.from(STREAM));
    clock.advance(1_000);
    expect(all[0]!.did).toEqual(["resume", "abort"]);
  });
});

describe("time", () => {
  it("passes to the next target when the first does not begin in time", () => {
    const { clock, all, sink, faults } = start({ targets: 2 });
    clock.advance(1_000);
    expect(faults).toEqual(["1 DEADLINE_PASSED"]);
    expect(all[0]!.did).toEqual(["abort"]);
    all[1]!.receiver.onHead(200, JSON_TYPE);
    all[1]!.receiver.onData(Buffer.from('{"choices":[]}'));
    all[1]!.receiver.onEnd(true);
    expect(sink.told).toEqual(['reply {"choices":[]}']);
  });

  it("is up when the provider falls silent within its answer; comments are no sound", () => {
    const { clock, all, sink } = start({ stream: true });
    all[0]!.receiver.onHead(200, SSE);
    all[0]!.receiver.onData(Buffer.from(delta("a")));
    clock.advance(400);
    all[0]!.receiver.onData(Buffer.from(delta("b")));
    clock.advance(400);
    all[0]!.receiver.onData(Buffer.from(": ping\n\n"));
    expect(sink.ends).toBe(0);
    clock.advance(100);
    expect(sink.told.at(-1)).toBe("fail DEADLINE_PASSED");
    expect(sink.error!.fault.limit).toBe("chunk");
  });

  it.each([
    ["before the head", () => {}],
    ["within a stream", (wire: ReturnType<typeof wires>["all"][number]) => wire.receiver.onHead(200, SSE)],
  ])("is the caller's, to the millisecond, %s, and no other target is asked", (_, prepare) => {
    const { clock, all, sink } = start({ stream: true, targets: 3, timeoutMs: 250 });
    prepare(all[0]!);
    clock.advance(249);
    expect(sink.ends).toBe(0);
    clock.advance(1);
    expect(sink.told.at(-1)).toBe("fail DEADLINE_PASSED");
    expect(sink.error!.fault.limit).toBe("caller");
    expect(all).toHaveLength(1);
    expect(all[0]!.did).toEqual(["abort"]);
  });

  it("is one budget over all targets", () => {
    const { clock, all, sink } = start({ targets: 20, over: { totalMs: 2_500 } });
    clock.advance(2_500);
    expect(all).toHaveLength(3);
    expect(sink.told).toEqual(["fail DEADLINE_PASSED"]);
    expect(clock.pending).toBe(0);
  });
});

describe("another target", () => {
  it.each([
    [400, false],
    [401, true],
    [403, true],
    [404, false],
    [422, false],
    [429, true],
    [500, true],
    [503, true],
  ])("after a %d is asked: %s", (status, asked) => {
    const { all, sink } = start({ targets: 2 });
    all[0]!.receiver.onHead(status, JSON_TYPE);
    all[0]!.receiver.onEnd(true);
    expect(all).toHaveLength(asked ? 2 : 1);
    expect(sink.ends).toBe(asked ? 0 : 1);
  });

  it.each(["connect", "connect_timeout", "broken"] as const)(
    "is asked when the first is %s, and the last one's failure is told",
    (why) => {
      const { all, sink, settled, faults } = start({ targets: 2 });
      all[0]!.receiver.onBreak(why, new Error("x"));
      all[1]!.receiver.onBreak("connect", new Error("y"));
      expect(sink.told).toEqual(["fail UPSTREAM_UNREACHABLE"]);
      expect(settled).toEqual(["UPSTREAM_UNREACHABLE"]);
      expect(faults).toHaveLength(2);
    },
  );

  it("is asked when the body of a whole answer breaks off: nothing was sent yet", () => {
    const { all, sink } = start({ targets: 2 });
    all[0]!.receiver.onHead(200, JSON_TYPE);
    all[0]!.receiver.onData(Buffer.from('{"a":'));
    all[0]!.receiver.onBreak("broken", new Error("reset"));
    expect(all).toHaveLength(2);
    expect(sink.ends).toBe(0);
  });
});

describe("an order that is drawn", () => {
  it("is drawn once for each call, when no step before refused it, and says which target is asked next", () => {
    let drawn = 0;
    const targets = ["a", "b", "c"].map((_, index) => targetOf(wires().exchange, index));
    const order = () => {
      drawn++;
      return [targets[2]!, targets[0]!, targets[1]!];
    };
    const { exchange, all } = wires();
    const over = { order: () => order().map((target) => ({ ...target, exchange })) };
    const { call, clock } = start({ targets: 3, over });
    expect([call.target!.index, call.attempt]).toEqual([2, 1]);
    clock.advance(1_000);
    expect([call.target!.index, call.attempt, all.length]).toEqual([0, 2, 2]);
    expect(drawn).toBe(1);
    start({ over: { ...over, before: [() => errors.bodyMalformed("no")] } });
    expect(drawn).toBe(1);
  });
});

describe("the end of a call", () => {
  it("is the caller's leaving: the provider is closed and nothing more is pushed", () => {
    const { all, sink, running, settled, clock } = start({ stream: true });
    all[0]!.receiver.onHead(200, SSE);
    all[0]!.receiver.onData(Buffer.from(delta("a")));
    running.cancel();
    running.cancel();
    expect(all[0]!.did).toEqual(["abort"]);
    expect(sink.ends).toBe(0);
    expect(settled).toEqual(["CALLER_GONE"]);
    expect(clock.pending).toBe(0);
  });

  it("is the gateway's stopping: the caller is told", () => {
    const { all, sink, running, settled } = start({ stream: true });
    all[0]!.receiver.onHead(200, SSE);
    all[0]!.receiver.onData(Buffer.from(delta("a")));
    running.stop(errors.shuttingDown());
    expect(sink.told.at(-1)).toBe("fail SHUTTING_DOWN");
    expect(all[0]!.did).toEqual(["abort"]);
    expect(settled).toEqual(["SHUTTING_DOWN"]);
  });

  it("comes from a step before: a refusal asks no target", () => {
    const refuse = () => {
      throw errors.bodyTooLarge(1);
    };
    const { all, sink } = start({ over: { before: [refuse] } });
    expect(sink.told).toEqual(["fail BODY_TOO_LARGE"]);
    expect(all).toEqual([]);
  });

  it("waits for a step that takes its time, and is told INTERNAL when one throws a stranger", async () => {
    const order: string[] = [];
    const step = async () => void order.push("step");
    const slow = start({ over: { before: [step, step] } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["step", "step"]);
    expect(slow.all).toHaveLength(1);
    const broken = start({
      over: {
        before: [
          async () => {
            throw new TypeError("secret detail");
          },
        ],
      },
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(broken.sink.told).toEqual(["fail INTERNAL"]);
    expect(broken.sink.error!.message).not.toContain("secret");
  });

  it("survives a reply step that throws", () => {
    const { all, sink, settled } = start({
      over: {
        reply: [
          () => {
            throw new TypeError("bug");
          },
        ],
      },
    });
    all[0]!.receiver.onHead(200, JSON_TYPE);
    all[0]!.receiver.onData(Buffer.from('{"choices":[]}'));
    all[0]!.receiver.onEnd(true);
    expect(sink.told).toEqual(["fail INTERNAL"]);
    expect(settled).toEqual(["INTERNAL"]);
  });
});
