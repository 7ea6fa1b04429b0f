import { describe, expect, it } from "vitest";
import { eventsFromGoogle } from "../../../test/support/gemini.ts";
import type { JsonObject } from "../../core/json.ts";
import { detailOf } from "./seal.ts";
import { GenerateStream } from "./stream-out.ts";

const event = (choices: JsonObject[], more: JsonObject = {}) => ({ id: "i", model: "m", choices, ...more });
const piece = (delta: JsonObject, index = 0, finish_reason: string | null = null) => ({ index, delta, finish_reason });

/** Every reply that is sent for these events, the last one included. */
function replies(events: JsonObject[]): JsonObject[] {
  const stream = new GenerateStream();
  return [...events.flatMap((one) => stream.event(one)), stream.end()];
}
const content = (...parts: JsonObject[]) => ({ parts, role: "model" });
const HEAD = { modelVersion: "m", responseId: "i" };

describe("a stream of Google's", () => {
  it("tells text at once, calls when they are whole, and why it ended with the usage", () => {
    const call = (index: number, more: JsonObject) => ({ tool_calls: [{ index, ...more }] });
    const sent = replies([
      event([piece({ role: "assistant", content: "" })]),
      event([piece({ content: "Hi" })]),
      event([piece(call(0, { id: "a", type: "function", function: { name: "f", arguments: "" } }))]),
      event([piece(call(0, { function: { arguments: '{"x"' } }))]),
      event([piece(call(0, { function: { arguments: ":1}" } }))]),
      event([piece(call(1, { id: "b", type: "function", function: { name: "g", arguments: "{}" } }))]),
      event([piece({}, 0, "tool_calls")]),
      event([], { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }),
    ]);
    expect(sent).toEqual([
      { candidates: [{ content: content({ text: "Hi" }), index: 0 }], ...HEAD },
      {
        candidates: [{ content: content({ functionCall: { id: "a", name: "f", args: { x: 1 } } }), index: 0 }],
        ...HEAD,
      },
      {
        candidates: [
          {
            content: content({ functionCall: { id: "b", name: "g", args: {} } }),
            finishReason: "STOP",
            index: 0,
          },
        ],
        usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
        ...HEAD,
      },
    ]);
  });

  it("seals thoughts that nothing signs", () => {
    const own = { type: "reasoning.text", format: "reasoning-content", model: "m", index: 0 };
    const text = JSON.stringify(
      replies([event([piece({ reasoning_content: "hm" })]), event([piece({ content: "a" })])]),
    );
    expect(text).toContain('{"text":"hm","thought":true}');
    const signature = /"thoughtSignature":"([^"]+)"/.exec(text)![1]!;
    expect(detailOf(signature)).toEqual(own);
  });

  it("ends as by itself where a whole stream gave no reason", () => {
    const [, last] = replies([event([piece({ content: "Hi" })])]);
    expect(last).toMatchObject({ candidates: [{ index: 0, finishReason: "STOP" }] });
  });

  it("tells arguments that came as an object", () => {
    const call = { index: 0, id: "a", type: "function", function: { name: "f", arguments: { x: 1 } } };
    expect(JSON.stringify(replies([event([piece({ tool_calls: [call] })])]))).toContain('"args":{"x":1}');
  });

  it("tells calls apart that all have one index", () => {
    const call = (id: string, name: string) => ({
      tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: "{}" } }],
    });
    const sent = replies([event([piece(call("a", "f"))]), event([piece(call("b", "g"))])]);
    expect(sent.map((one) => (one["candidates"] as JsonObject[])[0]!["content"])).toEqual([
      content({ functionCall: { id: "a", name: "f", args: {} } }),
      content({ functionCall: { id: "b", name: "g", args: {} } }),
    ]);
  });

  it("fails where it goes back to a call that was told, in place of telling a call without a name", () => {
    const call = (index: number, more: JsonObject) => piece({ tool_calls: [{ index, ...more }] });
    const begin = (id: string) => ({ id, type: "function", function: { name: id, arguments: "" } });
    expect(() =>
      replies([
        event([call(0, begin("a"))]),
        event([call(1, begin("b"))]),
        event([call(0, { function: { arguments: "{}" } })]),
      ]),
    ).toThrow(/went back to a tool call/);
  });

  it("has a part in every reply, for Google's SDKs forget a turn that has an empty one", () => {
    const sent = replies([event([piece({ content: "a" })]), event([piece({}, 0, "stop")])]);
    expect(sent.at(-1)).toMatchObject({ candidates: [{ content: content({ text: "" }), finishReason: "STOP" }] });
  });

  it("keeps candidates apart, and ends each with its own reason", () => {
    const sent = replies([
      event([piece({ content: "a" }), piece({ content: "b" }, 1)]),
      event([piece({ content: "A" })]),
      event([piece({}, 1, "length")]),
      event([piece({}, 0, "stop")]),
    ]);
    const said = [0, 1].map((index) =>
      sent
        .flatMap(({ candidates }) => (candidates as JsonObject[]).filter((one) => one["index"] === index))
        .flatMap((one) => (one["content"] as { parts: { text: string }[] }).parts)
        .map(({ text }) => text)
        .join(""),
    );
    expect(said).toEqual(["aA", "b"]);
    expect((sent.at(-1)!["candidates"] as JsonObject[]).map((one) => [one["index"], one["finishReason"]])).toEqual([
      [0, "STOP"],
      [1, "MAX_TOKENS"],
    ]);
  });

  it("tells a refusal as text, and where a provider held back as Google would", () => {
    const sent = replies([event([piece({ refusal: "I will not." })]), event([piece({}, 0, "content_filter")])]);
    expect(sent[0]).toMatchObject({ candidates: [{ content: content({ text: "I will not." }) }] });
    expect(sent[1]).toMatchObject({ candidates: [{ finishReason: "SAFETY" }] });
  });
});

it("reads several candidates of Google's, each with its calls and reason", () => {
  const candidate = (index: number, part: JsonObject, finishReason?: string) => ({
    index,
    content: content(part),
    ...(finishReason && { finishReason }),
  });
  const said = [
    {
      candidates: [candidate(0, { text: "a" }), candidate(1, { functionCall: { name: "f", args: {} } })],
      responseId: "r",
    },
    { candidates: [candidate(0, { text: "A" }, "MAX_TOKENS"), { index: 1, finishReason: "STOP" }], responseId: "r" },
  ];
  const events = eventsFromGoogle(Buffer.from(said.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join("")));
  const choices = events.flatMap(
    (one) => one["choices"] as { index: number; delta: JsonObject; finish_reason: string }[],
  );
  const of = (index: number) => choices.filter((one) => one.index === index);
  expect(of(0).flatMap(({ delta }) => (delta["content"] as string | undefined) ?? [])).toEqual(["a", "A"]);
  expect(of(0).at(-1)!.finish_reason).toBe("length");
  expect(of(1).flatMap(({ delta }) => (delta["tool_calls"] as JsonObject[] | undefined) ?? [])).toMatchObject([
    { index: 0, id: "gemini_r_1_0", function: { name: "f", arguments: "{}" } },
  ]);
  expect(of(1).at(-1)!.finish_reason).toBe("tool_calls");
});
