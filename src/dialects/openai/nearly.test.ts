import { describe, expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { StreamListener } from "../../core/sse.ts";
import { type NearlyOpenAI, nearlyOpenAI } from "./nearly.ts";
import { partsIn } from "./parts-in.ts";

const call = callOf(planOf([]), true);
const HEAD = { id: "1", object: "chat.completion.chunk", created: 7, model: "m" };

/** What is told of a stream of these events: each event, `done` and `bad`. */
function told(events: readonly (JsonObject | string)[], differs: NearlyOpenAI = {}): unknown[] {
  const all: unknown[] = [];
  const on: StreamListener = {
    onEvent: (json) => all.push(json),
    onWhole: () => {},
    onDone: () => all.push("done"),
    onBad: (why) => all.push(`bad ${why}`),
    onFault: (error: GatewayError) => all.push(error.fault.reason),
  };
  const decoder = nearlyOpenAI("chat", differs, () => 7).stream!(call, on);
  for (const one of events)
    decoder.push(Buffer.from(`data: ${typeof one === "string" ? one : JSON.stringify(one)}\n\n`));
  decoder.finish();
  return all;
}

const piece = (content: string, more: JsonObject = {}): JsonObject => ({
  id: "1",
  created: 7,
  model: "m",
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...more,
});
const usage = (completion_tokens: number) => ({
  prompt_tokens: 1,
  completion_tokens,
  total_tokens: 1 + completion_tokens,
});
const end = (reason: string) => ({ ...piece(""), choices: [{ index: 0, delta: {}, finish_reason: reason }] });

describe("a stream that is nearly OpenAI's", () => {
  it("tells the usage once, after the last choice, whichever events had it", () => {
    const counted = [piece("a", { usage: usage(1) }), { ...end("eos"), usage: usage(2) }, "[DONE]"];
    expect(told(counted, { finish: { eos: "stop" } })).toEqual([
      { ...HEAD, choices: [{ index: 0, delta: { content: "a" }, finish_reason: null }] },
      { ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: "stop", native_finish_reason: "eos" }] },
      { ...HEAD, choices: [], usage: usage(2) },
      "done",
    ]);
  });

  it("tells it also when the server leaves [DONE] out", () => {
    expect(told([{ ...end("stop"), usage: usage(2) }]).at(-1)).toEqual({ ...HEAD, choices: [], usage: usage(2) });
  });

  it("fills in what a server leaves out of its events", () => {
    const [event] = told([{ choices: [{ delta: { content: "a" } }] }]);
    expect(event).toMatchObject({ id: null, created: 7, object: "chat.completion.chunk", choices: [{ index: 0 }] });
  });

  it.each([
    [{ error: { message: "boom" } }, { message: "boom" }],
    [{ error: "boom", error_type: "generation" }, "boom"],
    [
      { object: "error", message: "boom", code: "1000" },
      { object: "error", message: "boom", code: "1000" },
    ],
    [{ detail: "boom" }, { detail: "boom" }],
  ])("takes what is an error for one: %j", (event, error) => {
    expect(told([event as JsonObject])).toEqual([{ ...event, error }]);
  });

  it("takes no notice of signs of life", () => {
    expect(told([{ ping: true }, "[DONE]"])).toEqual(["done"]);
  });

  it("ends with a call of a tool where it made one, though the server says otherwise", () => {
    const made = { index: 0, id: "c", type: "function", function: { name: "f", arguments: "" } };
    const calls = { ...piece(""), choices: [{ index: 0, delta: { tool_calls: [made] }, finish_reason: null }] };
    expect(told([calls, end("stop")])[1]).toMatchObject({
      choices: [{ finish_reason: "tool_calls", native_finish_reason: "stop" }],
    });
  });

  it("is no answer when the server says that it failed", () => {
    expect(() => told([piece("a"), end("error")])).toThrow("ended its answer with an error");
  });
});

describe("a whole answer that is nearly OpenAI's", () => {
  const reading = nearlyOpenAI("completions", { finish: { eos: "stop" } }, () => 7);

  it("is OpenAI's, with the server's own word beside it", () => {
    const json = { id: "1", object: "text.completion", choices: [{ text: "a", finish_reason: "eos", seed: 3 }] };
    expect(reading.reply(call, json)).toEqual({
      id: "1",
      object: "text_completion",
      created: 7,
      model: "",
      choices: [{ index: 0, text: "a", seed: 3, finish_reason: "stop", native_finish_reason: "eos" }],
    });
  });

  it("is none without choices", () => {
    expect(() => reading.reply(call, { output: "a" })).toThrow("no list of choices");
  });
});

describe("content in parts", () => {
  it("becomes text, thoughts with their signatures, and notes", () => {
    const said = {
      role: "assistant",
      content: [
        {
          type: "thinking",
          thinking: [
            { type: "text", text: "Hm" },
            { type: "text", text: "." },
          ],
          signature: "s",
        },
        { type: "text", text: "So " },
        "it is",
        { type: "reference", reference_ids: [1] },
      ],
    };
    expect(partsIn(said, "mistral", "m")).toEqual({
      role: "assistant",
      content: "So it is",
      reasoning: "Hm.",
      reasoning_details: [{ type: "reasoning.text", format: "mistral", model: "m", text: "Hm.", signature: "s" }],
      annotations: [{ type: "reference", reference_ids: [1] }],
    });
  });

  it("is what it was where it is a text", () => {
    expect(partsIn({ content: "a", reasoning_content: "b" }, "databricks", "m")).toEqual({
      content: "a",
      reasoning: "b",
    });
  });
});
