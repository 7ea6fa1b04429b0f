import { describe, expect, it } from "vitest";
import { eventsOf, joined, tidy } from "../../../test/support/anthropic.ts";
import type { JsonObject } from "../../core/json.ts";
import { unsealed } from "../openai/reasoning.ts";
import { replyOut } from "./reply-out.ts";
import { requestIn } from "./request-in.ts";
import { StreamOut } from "./stream-out.ts";

const chunk = (delta: JsonObject, more: JsonObject = {}): JsonObject => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-5",
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});
const finish = (finish_reason: string, more: JsonObject = {}) => chunk({}, { finish_reason, ...more });
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13, prompt_tokens_details: { cached_tokens: 5 } };
const call = (index: number, more: JsonObject): JsonObject => ({ tool_calls: [{ index, ...more }] });

function told(...events: JsonObject[]): string {
  const out = new StreamOut("req-1");
  return events.map((event) => out.event(event)).join("") + out.end();
}

describe("a stream of another provider's", () => {
  it("is told block after block, and what it consumed at the end", () => {
    const text = told(
      chunk({ role: "assistant", content: "" }),
      chunk({ reasoning: "H" }),
      chunk({ reasoning: "m." }),
      chunk({ content: "I" }),
      chunk({ content: " look." }),
      chunk(call(0, { id: "a", type: "function", function: { name: "look", arguments: "" } })),
      chunk(call(0, { function: { arguments: '{"x"' } })),
      chunk(call(0, { function: { arguments: ":1}" } })),
      chunk(call(1, { id: "b", type: "function", function: { name: "see", arguments: "{}" } })),
      finish("tool_calls"),
      { ...chunk({}), choices: [], usage },
    );
    expect(joined(text)).toEqual({
      id: "chatcmpl-1",
      type: "message",
      role: "assistant",
      model: "gpt-5",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "" },
        { type: "text", text: "I look." },
        { type: "tool_use", id: "a", name: "look", input: { x: 1 } },
        { type: "tool_use", id: "b", name: "see", input: {} },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: { input_tokens: 4, cache_creation_input_tokens: null, cache_read_input_tokens: 5, output_tokens: 4 },
    });
    expect(eventsOf(text).at(-2)).toMatchObject({ type: "message_delta", delta: { stop_reason: "tool_use" } });
  });

  it("tells calls apart that all have one index, and begins with the first that knows the model", () => {
    const text = told(
      { ...chunk({}), id: "", model: "", choices: [], prompt_filter_results: [] },
      chunk(call(0, { id: "a", type: "function", function: { name: "look", arguments: '{"x":1}' } })),
      chunk(call(0, { id: "b", type: "function", function: { name: "see", arguments: "{}" } })),
      finish("tool_calls"),
    );
    expect(joined(text)).toMatchObject({
      id: "chatcmpl-1",
      model: "gpt-5",
      content: [
        { type: "tool_use", id: "a", name: "look", input: { x: 1 } },
        { type: "tool_use", id: "b", name: "see", input: {} },
      ],
    });
  });

  it.each([
    ["stop", {}, "end_turn"],
    ["stop", { stop_sequence: "END" }, "stop_sequence"],
    ["length", {}, "max_tokens"],
    ["content_filter", {}, "refusal"],
    ["stop", { native_finish_reason: "pause_turn" }, "pause_turn"],
    ["length", { native_finish_reason: "model_context_window_exceeded" }, "model_context_window_exceeded"],
  ])("ends as Anthropic says it: %s, %j", (reason, more, want) => {
    const message = joined(told(chunk({ content: "x" }), finish(reason, more)));
    expect(message["stop_reason"]).toBe(want);
    expect(message["stop_sequence"]).toBe((more as JsonObject)["stop_sequence"] ?? null);
  });

  it("has arguments that came as an object, as the whole answer has them", () => {
    const one = { id: "a", type: "function", function: { name: "f", arguments: { x: 1 } } };
    const block = { type: "tool_use", id: "a", name: "f", input: { x: 1 } };
    expect(joined(told(chunk(call(0, one)), finish("tool_calls")))["content"]).toEqual([block]);
    const message = { role: "assistant", content: null, tool_calls: [one] };
    const whole = replyOut({ choices: [{ index: 0, message, finish_reason: "tool_calls" }] }, "req-1");
    expect(whole["content"]).toEqual([block]);
  });

  it("has the provider's own word for the end beside it", () => {
    expect(joined(told(chunk({ content: "x" }), finish("stop", { native_finish_reason: "STOP" })))).toMatchObject({
      stop_reason: "end_turn",
      native_finish_reason: "STOP",
    });
  });

  it("has a refusal as its text, and its sources as citations", () => {
    expect(joined(told(chunk({ refusal: "I can" }), chunk({ refusal: "not." }), finish("stop")))).toMatchObject({
      content: [{ type: "text", text: "I cannot." }],
      stop_reason: "refusal",
    });
    const url_citation = { url: "https://e.example", title: "E", start_index: 0, end_index: 1 };
    const cited = joined(
      told(chunk({ content: "x" }), chunk({ annotations: [{ type: "url_citation", url_citation }] }), finish("stop")),
    );
    expect(cited["content"]).toEqual([
      {
        type: "text",
        text: "x",
        citations: [
          {
            type: "web_search_result_location",
            url: "https://e.example",
            title: "E",
            cited_text: "",
            encrypted_index: "",
          },
        ],
      },
    ]);
  });

  it("is broken off when it goes back to a call that was over", () => {
    const begin = (index: number) => chunk(call(index, { id: `c${index}`, function: { name: "x", arguments: "" } }));
    expect(() => told(begin(0), begin(1), chunk(call(0, { function: { arguments: "{" } })))).toThrow(
      /went back to a tool call/,
    );
  });

  it("says in between that more will come", () => {
    const out = new StreamOut("r");
    const text =
      out.event(chunk({ content: "x" })) +
      out.alive() +
      out.event(chunk({ content: "y" })) +
      out.event(finish("stop")) +
      out.end();
    expect(joined(text)["content"]).toEqual([{ type: "text", text: "xy" }]);
    expect(eventsOf(text)).toContainEqual({ type: "ping" });
  });

  it("that says nothing is a message without content", () => {
    expect(joined(told(finish("stop")))).toMatchObject({ content: [], stop_reason: "end_turn" });
  });
});

describe("another provider's thoughts", () => {
  const detail = {
    type: "reasoning.text",
    format: "gemini",
    model: "gemini-3-pro",
    text: "Hm.",
    signature: "S",
    id: "r1",
  };
  const summary = { type: "reasoning.summary", format: "openai-responses", model: "gpt-5", summary: "So.", id: "rs_1" };
  const secret = { type: "reasoning.encrypted", format: "openai-responses", model: "gpt-5", data: "E", id: "rs_1" };

  it("come back from the caller as they were, whole and streamed", () => {
    const message = { role: "assistant", content: "A", reasoning: "Hm.", reasoning_details: [detail, summary, secret] };
    const whole = replyOut({ id: "x", model: "m", choices: [{ index: 0, message, finish_reason: "stop" }] }, "r");
    const pieces = [
      { ...detail, text: "H", signature: undefined },
      { ...detail, text: "m." },
    ].map((one) => chunk({ reasoning_details: [one as JsonObject] }));
    const rest = [summary, secret].map((one) => chunk({ reasoning_details: [one] }));
    const streamed = joined(told(...pieces, ...rest, chunk({ content: "A" }), finish("stop")));
    expect(streamed["content"]).toEqual(whole["content"]);
    const back = requestIn({ max_tokens: 1, messages: [{ role: "assistant", content: whole["content"]! }] });
    const [said] = back["messages"] as JsonObject[];
    expect(tidy(said!["reasoning_details"]!)).toEqual([detail, summary, secret]);
  });

  it("that nothing signs come back with whose they are", () => {
    const message = { role: "assistant", content: "a", reasoning_content: "hm" };
    const whole = replyOut({ model: "r1", choices: [{ index: 0, message, finish_reason: "stop" }] }, "r");
    const pieces = [{ reasoning_content: "h" }, { reasoning_content: "m" }, { content: "a" }];
    const streamed = joined(told(...pieces.map((one) => ({ ...chunk(one), model: "r1" })), finish("stop")));
    for (const { content } of [whole, streamed]) {
      const { signature, thinking } = (content as JsonObject[])[0]!;
      expect(thinking).toBe("hm");
      expect(unsealed(signature as string)).toMatchObject({ format: "reasoning-content", model: "r1" });
    }
  });

  it("say within their signature whose they are", () => {
    const message = {
      role: "assistant",
      content: "A",
      reasoning_details: [{ ...detail, format: "anthropic", model: "claude-opus-5" }],
    };
    const { content } = replyOut({ choices: [{ index: 0, message, finish_reason: "stop" }] }, "r");
    const [block] = content as JsonObject[];
    expect(unsealed(block!["signature"] as string)).toEqual({
      format: "anthropic",
      model: "claude-opus-5",
      signature: "S",
    });
  });
});

describe("a whole answer of another provider's", () => {
  it("has arguments that are no object within one, and an id when it came without", () => {
    const tool_calls = [{ id: "a", type: "function", function: { name: "f", arguments: "[1]" } }];
    const message = { role: "assistant", content: null, tool_calls };
    expect(replyOut({ id: null, model: "m", choices: [{ message, finish_reason: "stop" }] }, "r-1")).toMatchObject({
      id: "msg_r-1",
      content: [{ type: "tool_use", id: "a", name: "f", input: { arguments: "[1]" } }],
      stop_reason: "tool_use",
      usage: { input_tokens: 0, output_tokens: 0 },
    });
  });
});
