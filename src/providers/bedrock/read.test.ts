import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chunkFrame, eventFrame } from "../../../test/support/event-stream.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { wires } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import type { GatewayError } from "../../core/errors.ts";
import { type JsonObject, textIn } from "../../core/json.ts";
import type { ReplyHeaders } from "../../core/provider.ts";
import { readingsOf } from "./read.ts";

const reads = readingsOf({ tools: { wallNow: () => 7_900 }, secrets: [], refused: () => {} });
const file = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const json = (name: string) => JSON.parse(file(name).toString()) as JsonObject;
const HEADERS: ReplyHeaders = {
  "x-amzn-requestid": "req-1",
  "x-amzn-bedrock-input-token-count": "11",
  "x-amzn-bedrock-output-token-count": "4",
};

function callTo(model: string, op: Operation): Call {
  const plan = planOf([{ ...targetOf(wires().exchange), model }], { op });
  const call = new Call(callOf(plan, true).arrival, plan, Body.ofJson({}), true);
  call.target = plan.targets[0];
  return call;
}

/** What a stream of frames is told as. */
function told(model: string, frames: readonly Buffer[]) {
  const events: JsonObject[] = [];
  const faults: GatewayError[] = [];
  const on = {
    onEvent: (one: JsonObject) => void events.push(one),
    onFault: (error: GatewayError) => void faults.push(error),
    onWhole: () => expect.fail("bytes are told"),
    onDone: () => expect.fail("there is no terminator"),
    onBad: (why: string) => expect.fail(why),
  };
  const decoder = reads.completions.stream!(callTo(model, "completions"), on, HEADERS);
  for (const frame of frames) decoder.push(frame);
  return { events, faults, cut: decoder.finish() };
}

describe("answers of models that count in the head alone", () => {
  it("are told with those counts, the request's id and the time", () => {
    const reply = (call: Call, said: JsonObject) => reads.completions.reply(call, said, HEADERS);
    const embedded = (call: Call, said: JsonObject) => reads.embeddings.reply(call, said, HEADERS);
    expect(reply(callTo("anthropic.claude-v2", "completions"), json("claude-v2.json"))).toEqual({
      id: "req-1",
      object: "text_completion",
      created: 7,
      model: "anthropic.claude-v2",
      choices: [{ index: 0, text: " Hello! How are", finish_reason: "length", native_finish_reason: "max_tokens" }],
      usage: { prompt_tokens: 11, completion_tokens: 4, total_tokens: 15 },
    });
    expect(reply(callTo("cohere.command-text-v14", "completions"), json("command.json"))).toMatchObject({
      usage: { total_tokens: 15 },
    });
    expect(embedded(callTo("cohere.embed-english-v3", "embeddings"), json("cohere-embed.json"))).toMatchObject({
      usage: { prompt_tokens: 11, total_tokens: 11 },
    });
    expect(embedded(callTo("amazon.titan-embed-text-v2:0", "embeddings"), json("titan-embed.json"))).toMatchObject({
      usage: { prompt_tokens: 2 },
    });
  });

  it("are told without any where nobody counts", () => {
    const reply = reads.completions.reply(callTo("anthropic.claude-v2", "completions"), json("claude-v2.json"));
    expect([reply["usage"], reply["id"]]).toEqual([undefined, null]);
  });
});

describe("streams of models that do not chat", () => {
  it.each([
    ["anthropic.claude-v2", "claude-v2", " Hello! How are", "length", "max_tokens", 15],
    ["eu.cohere.command-light-text-v14", "command", " Hello! How can I help?", "stop", "COMPLETE", 11],
    ["amazon.titan-text-premier-v1:0", "titan", "\nRoses are red.", "stop", "FINISH", 12],
  ])("are pieces of a completion: %s", (model, name, text, finish, native, total) => {
    const { events, cut } = told(model, [file(`${name}.eventstream`)]);
    const choices = events.flatMap((one) => one["choices"] as JsonObject[]);
    expect(choices.map((one) => textIn(one["text"])).join("")).toBe(text);
    expect(choices.at(-1)).toMatchObject({ finish_reason: finish, native_finish_reason: native });
    expect(events.at(-1)).toMatchObject({ id: "req-1", choices: [], usage: { total_tokens: total } });
    expect(cut).toBe(false);
  });

  it("pass over events that are not theirs, and stop at a failure", () => {
    const say = (outputText: string) => chunkFrame({ outputText, index: 0, completionReason: null });
    const odd = [
      eventFrame("other", { bytes: "e30=" }),
      eventFrame("chunk", { bytes: "bm90" }),
      eventFrame("chunk", {}),
    ];
    const { events } = told("amazon.titan-text-lite-v1", [...odd, say("a")]);
    expect(events).toHaveLength(1);
    const failed = told("amazon.titan-text-lite-v1", [say("a"), file("throttlingException.eventstream"), say("b")]);
    expect(failed.events).toHaveLength(1);
    expect(failed.faults.map(({ fault }) => [fault.reason, fault.upstreamRequestId])).toEqual([
      ["UPSTREAM_BUSY", "req-1"],
    ]);
  });
});
