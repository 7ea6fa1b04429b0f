import { describe, expect, it } from "vitest";
import { ask, askStream, type Event, refusalOf, says } from "../../../test/support/simulator.ts";
import { countTokens } from "./tokens.ts";

const HELLO = 'You said: "Hello there" (simulated; no model was asked)';

/** A streamed choice put together as a client does. */
function joined(events: readonly Event[], index = 0) {
  const parts = events.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
  return {
    role: parts[0]!.delta.role,
    content: parts.map(({ delta }) => delta.content ?? "").join(""),
    finish: parts.map(({ finish_reason }) => finish_reason).filter((reason) => reason !== null),
    tokens: parts.flatMap(({ logprobs }) => logprobs?.content ?? []),
  };
}

describe("a simulated chat", () => {
  it("repeats what was said, and says that it is no model", async () => {
    const { status, json } = await ask("chat", says("Hello there"));
    expect(status).toBe(200);
    expect(json).toEqual({
      id: expect.stringMatching(/^chatcmpl-sim-[0-9a-f]{24}$/),
      object: "chat.completion",
      created: 1_700_000_000,
      model: "simulator/m",
      system_fingerprint: "fp_simulator",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: HELLO, refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: expect.objectContaining({
        prompt_tokens: 4,
        completion_tokens: countTokens(HELLO),
        total_tokens: 4 + countTokens(HELLO),
      }),
    });
  });

  it("is the same for the same request, and another for another seed", async () => {
    const ids = [];
    for (const more of [{ seed: 1 }, { seed: 1, stream: false }, { seed: 2 }]) {
      ids.push((await ask("chat", says("Hello", more))).json.id);
    }
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
    const [event] = await askStream("chat", says("Hello", { seed: 1, stream_options: { include_usage: true } }));
    expect(event!.id).toBe(ids[0]);
    const turned = await ask("chat", { seed: 1, messages: [{ content: "Hello", role: "user" }], model: "m" });
    expect(turned.json.id).toBe(ids[0]);
  });

  it("reads content parts, and names what is no text", async () => {
    const content = [
      { type: "text", text: "What is" },
      { type: "image_url", image_url: { url: "data:," } },
    ];
    const { json } = await ask("chat", { model: "", messages: [{ role: "user", content }] });
    expect(json.choices[0]!.message.content).toBe('You said: "What is [image_url]" (simulated; no model was asked)');
    expect(json.model).toBe("simulator");
  });

  it("answers a tool's result with a text, so that an agent's loop ends", async () => {
    const messages = [
      { role: "user", content: "call add" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "add", arguments: '{"a":1}' } }],
      },
      { role: "tool", tool_call_id: "1", content: "42" },
    ];
    const { json } = await ask("chat", {
      model: "m",
      messages,
      tools: [{ type: "function", function: { name: "add" } }],
    });
    expect(json.choices[0]!.message.content).toBe('The tool said: "42" (simulated; no model was asked)');
    expect(json.usage["prompt_tokens"]).toBe(2 + countTokens('{"a":1}') + 1);
  });

  it("says the settings' own words in place of the sentence", async () => {
    const { json } = await ask("chat", says("Hello"), { reply: "Fine." });
    expect(json.choices[0]!.message.content).toBe("Fine.");
  });

  it("streams the same text in pieces, between a role and a finish reason, without usage", async () => {
    const events = await askStream("chat", says("Hello there"));
    expect(joined(events)).toEqual({ role: "assistant", content: HELLO, finish: ["stop"], tokens: [] });
    expect(events.length).toBeGreaterThan(5);
    expect(new Set(events.map(({ object }) => object))).toEqual(new Set(["chat.completion.chunk"]));
    expect(events.at(-1)!.choices[0]).toEqual({ index: 0, delta: {}, logprobs: null, finish_reason: "stop" });
    expect(events.filter((event) => "usage" in event)).toEqual([]);
  });

  it("streams the usage of the whole reply, last and alone, when it is asked for", async () => {
    const events = await askStream("chat", says("Hello there", { stream_options: { include_usage: true } }));
    const { json } = await ask("chat", says("Hello there"));
    expect(events.at(-1)).toMatchObject({ choices: [], usage: json.usage });
    expect(new Set(events.slice(0, -1).map(({ usage }) => usage))).toEqual(new Set([null]));
  });

  it("makes as many choices as asked for, in turn when streamed", async () => {
    const { json } = await ask("chat", says("Hi", { n: 3 }));
    const texts = json.choices.map(({ message }) => message.content);
    expect(texts[2]).toBe('You said: "Hi" (simulated; no model was asked; choice 3 of 3)');
    const events = await askStream("chat", says("Hi", { n: 3 }));
    expect(events.slice(0, 3).map(({ choices }) => choices[0]!.index)).toEqual([0, 1, 2]);
    expect([0, 1, 2].map((index) => joined(events, index).content)).toEqual(texts);
    expect(joined(events, 2).finish).toEqual(["stop"]);
  });

  it("ends before a stop text, and after so many tokens", async () => {
    const stopped = await ask("chat", says("Hello there", { stop: ["(", " there"] }));
    expect(stopped.json.choices[0]).toMatchObject({ message: { content: 'You said: "Hello' }, finish_reason: "stop" });
    for (const key of ["max_tokens", "max_completion_tokens"]) {
      const { json } = await ask("chat", says("Hello there", { [key]: 4 }));
      expect(json.choices[0]).toMatchObject({ message: { content: 'You said: "' }, finish_reason: "length" });
      expect(json.usage["completion_tokens"]).toBe(4);
      const events = await askStream("chat", says("Hello there", { [key]: 4 }));
      expect(joined(events)).toMatchObject({ content: 'You said: "', finish: ["length"] });
    }
  });

  it("gives each token a log probability, the same ones when streamed", async () => {
    const request = says("Hello 東京", { logprobs: true, top_logprobs: 3 });
    const { json } = await ask("chat", request);
    const { content } = json.choices[0]!.logprobs as unknown as { content: LogprobWire[] };
    expect(content.map(({ token }) => token).join("")).toBe(json.choices[0]!.message.content);
    expect(content.length).toBe(json.usage["completion_tokens"]);
    for (const { token, logprob, bytes, top_logprobs } of content) {
      expect(Buffer.from(bytes).toString()).toBe(token);
      expect(top_logprobs[0]).toEqual({ token, logprob, bytes });
      expect(top_logprobs.map((top) => top.logprob)).toEqual(
        top_logprobs.map((top) => top.logprob).sort((a, b) => b - a),
      );
      expect(top_logprobs.length).toBe(3);
      expect(logprob).toBeLessThanOrEqual(0);
    }
    expect(joined(await askStream("chat", request)).tokens).toEqual(content);
  });

  it("gives JSON when JSON is asked for", async () => {
    const any = await ask("chat", says("Hello", { response_format: { type: "json_object" } }));
    expect(JSON.parse(any.json.choices[0]!.message.content!)).toEqual({ simulated: true, you_said: "Hello" });
    const schema = {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "array", minItems: 2, items: { enum: ["mon", "tue"] } } },
      required: ["city", "days"],
      additionalProperties: false,
    };
    const request = says("Hello", {
      response_format: { type: "json_schema", json_schema: { name: "trip", strict: true, schema } },
    });
    const exact = await ask("chat", request);
    const text = exact.json.choices[0]!.message.content!;
    expect(JSON.parse(text)).toEqual({
      city: "simulated",
      days: [expect.stringMatching(/mon|tue/), expect.stringMatching(/mon|tue/)],
    });
    expect(joined(await askStream("chat", request)).content).toBe(text);
  });

  it.each([
    ["messages", { messages: [] }],
    ["messages", { messages: ["hi"] }],
    ["n", { n: 129 }],
    ["max_tokens", { max_tokens: 0 }],
    ["max_tokens", { max_tokens: "5" }],
    ["stop", { stop: ["a", "b", "c", "d", "e"] }],
    ["stop", { stop: 1 }],
    ["stream", { stream: "yes" }],
    ["logprobs", { logprobs: 1 }],
    ["top_logprobs", { top_logprobs: 2 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
    ["response_format", { response_format: { type: "json_schema" } }],
    ["tools", { tools: {} }],
    ["tools", { tools: [{ type: "function" }] }],
    ["tool_choice", { tool_choice: "required" }],
  ])("refuses a bad %s with 400 and names it: %j", async (param, more) => {
    expect(await refusalOf("chat", says("Hello", more))).toMatchObject({
      status: 400,
      type: "invalid_request_error",
      param,
    });
  });

  it("takes null for absent, as OpenAI does", async () => {
    const nulls = {
      n: null,
      stop: null,
      max_tokens: null,
      tools: null,
      tool_choice: null,
      logprobs: null,
      stream: null,
    };
    const { json } = await ask("chat", says("Hello there", { ...nulls, response_format: null, stream_options: null }));
    expect(json.choices[0]!.message.content).toBe(HELLO);
  });

  it("refuses what would take too much memory", async () => {
    const long = "word ".repeat(10_000);
    expect(await refusalOf("chat", says(long, { n: 128 }))).toMatchObject({ status: 400 });
    expect(await refusalOf("chat", says(long, { logprobs: true, top_logprobs: 20, n: 10 }))).toMatchObject({
      status: 400,
    });
  });
});

interface LogprobWire {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: number[];
  readonly top_logprobs: readonly Omit<LogprobWire, "top_logprobs">[];
}
