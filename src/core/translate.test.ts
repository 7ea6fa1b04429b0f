import { expect, it } from "vitest";
import { fakeClock, microtasks } from "../../test/support/clock.ts";
import { callOf, plainUpstream, planOf, targetOf } from "../../test/support/plan.ts";
import { RecordingSink, wires } from "../../test/support/sink.ts";
import { Body } from "./body.ts";
import { Call } from "./call.ts";
import { errors } from "./errors.ts";
import { jsonLines } from "./frames.ts";
import type { JsonObject } from "./json.ts";
import type { Plan } from "./plan.ts";
import type { Reading, Upstream } from "./provider.ts";
import { run } from "./run.ts";

/** An upstream whose streams are lines of `{say}`, `{tokens}`, `{error}` and `{over}`, and whose answers are `{say}`. */
const reading: Reading = {
  streamType: "application/x-ndjson",
  reply: (_, json) => ({
    choices: [{ index: 0, message: { content: json["say"]! }, finish_reason: "stop" }],
    usage: { total_tokens: 3 },
  }),
  stream: (_, on) =>
    jsonLines(on, (json) => {
      if (json["over"]) on.onDone();
      else if (json["fault"]) on.onFault(errors.upstreamFailed("It says that it broke."));
      else if (json["throw"]) throw new TypeError("a translator's defect");
      else if (json["tokens"]) on.onEvent({ choices: [], usage: { total_tokens: json["tokens"] } });
      else on.onEvent({ choices: [{ index: 0, delta: { content: json["say"]! }, finish_reason: null }] });
    }),
};
const upstream: Upstream = { ...plainUpstream, reads: { chat: reading } };

function asking(
  stream: boolean,
  over: { plan?: Partial<Plan>; body?: JsonObject; upstreams?: readonly Upstream[]; raw?: boolean } = {},
) {
  const { exchange, all } = wires();
  const targets = (over.upstreams ?? [upstream]).map((one, at) => targetOf(exchange, at, one));
  const plan = planOf(targets, over.plan);
  const body = Body.ofJson({ model: "chat", messages: [], ...over.body });
  const call = new Call(callOf(plan, stream).arrival, plan, body, stream);
  const sink = new RecordingSink(over.raw ?? true);
  run(call, sink, fakeClock());
  return { call, sink, all };
}

function streamed(lines: string, over: Parameters<typeof asking>[1] = {}, framed = true) {
  const { call, sink, all } = asking(true, over);
  const { receiver } = all[0]!;
  receiver.onHead(200, { "content-type": "application/x-ndjson" });
  receiver.onData(Buffer.from(lines));
  receiver.onEnd(framed);
  return { call, sink, all };
}

it("gives a whole answer in the common shape, and counts what it consumed", () => {
  const { call, sink, all } = asking(false);
  all[0]!.receiver.onHead(200, { "content-type": "application/json" });
  all[0]!.receiver.onData(Buffer.from('{"say":"hi"}'));
  all[0]!.receiver.onEnd(true);
  expect(sink.told).toEqual([
    'reply {"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"total_tokens":3}}',
  ]);
  expect(call.usage?.totalTokens).toBe(3);
});

it.each([true, false])("gives events to a sink that takes bytes as well as to one that does not (%s)", (raw) => {
  const { sink } = streamed('{"say":"a"}\n{"say":"b"}\n{"over":true}\n', { raw });
  expect(sink.told.map((one) => one.split(" ")[0])).toEqual(["head", "event", "event", "end"]);
});

it("tells the usage alone to those who asked for it, and counts it for all", () => {
  const lines = '{"say":"a"}\n{"tokens":7}\n{"over":true}\n';
  const unasked = streamed(lines);
  expect(unasked.sink.told.filter((one) => one.includes("usage"))).toEqual([]);
  expect(unasked.call.usage?.totalTokens).toBe(7);
  const asked = streamed(lines, { body: { stream_options: { include_usage: true } } });
  expect(asked.sink.told.filter((one) => one.includes("usage"))).toHaveLength(1);
});

it.each([
  ['{"say":"a"}\n', true, "UPSTREAM_FAILED"],
  ['{"say":"a"}\n{"say"', true, "UPSTREAM_FAILED"],
  ['{"say":"a"}\n{"fault":true}\n', true, "UPSTREAM_FAILED"],
  ['{"say":"a"}\n{"throw":true}\n', true, "INTERNAL"],
  ["[]\n", true, "UPSTREAM_FAILED"],
])("fails once for the stream %j", (lines, framed, reason) => {
  const { sink } = streamed(lines, {}, framed);
  expect(sink.error?.fault.reason).toBe(reason);
  expect(sink.ends).toBe(1);
});

it.each([
  ['{"error":{"message":"Too hot."}}', "UPSTREAM_FAILED"],
  ["[1]", "UPSTREAM_FAILED"],
  ["{", "UPSTREAM_FAILED"],
])("takes the whole answer %s for a failure", (text, reason) => {
  const { sink, all } = asking(false);
  all[0]!.receiver.onHead(200, { "content-type": "application/json" });
  all[0]!.receiver.onData(Buffer.from(text));
  all[0]!.receiver.onEnd(true);
  expect(sink.error?.fault.reason).toBe(reason);
});

const losing = (member: string): Upstream => ({
  ...upstream,
  encode(call, body) {
    call.adjust("dropped", member);
    return { path: "/", headers: [], body: body.bytes };
  },
});

it("tells of each target what that one dropped, and of the caller's side what was dropped before", () => {
  const { call, all } = asking(false, { upstreams: [losing("seed"), losing("n")] });
  expect(call.adjusted?.dropped).toEqual(["seed"]);
  all[0]!.receiver.onHead(503, {});
  all[0]!.receiver.onEnd(true);
  expect(call.attempt).toBe(2);
  expect(call.adjusted?.dropped).toEqual(["n"]);
});

it("refuses on a strict route what would be adjusted, by the member's name, and sends nothing", async () => {
  const late: Upstream = {
    ...losing("seed"),
    encode: async (call, body, model) => losing("seed").encode(call, body, model),
  };
  for (const one of [losing("seed"), late]) {
    const { sink, all } = asking(false, { plan: { strict: true }, upstreams: [one] });
    await microtasks();
    expect(sink.error?.fault).toMatchObject({ reason: "FIELD_INVALID", param: "seed" });
    expect(sink.error?.message).toContain("strict");
    expect(all).toHaveLength(0);
  }
});

it("names the first of members that differ by their places alone", () => {
  const { call } = asking(false);
  for (const path of ["messages[2].name", "messages[3].name", "messages[3].content[0]", "messages[4].content[1]"]) {
    call.adjust("dropped", path);
  }
  expect(call.adjusted?.dropped).toEqual(["messages[2].name", "messages[3].content[0]"]);
});
