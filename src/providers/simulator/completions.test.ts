import { describe, expect, it } from "vitest";
import { ask, askStream, refusalOf } from "../../../test/support/simulator.ts";
import { countTokens } from "./tokens.ts";

const said = (text: string) => `You said: "${text}" (simulated; no model was asked)`;

describe("a simulated completion", () => {
  it("repeats the prompt, and says that it is no model", async () => {
    const { json } = await ask("completions", { model: "simulator", prompt: "Once upon" });
    expect(json).toMatchObject({
      id: expect.stringMatching(/^cmpl-sim-[0-9a-f]{24}$/),
      object: "text_completion",
      model: "simulator",
      choices: [{ index: 0, text: said("Once upon"), logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: 2, completion_tokens: countTokens(said("Once upon")) },
    });
  });

  it("answers each prompt n times, in order", async () => {
    const { json } = await ask("completions", { model: "m", prompt: ["a", "b"], n: 2 });
    expect(json.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, 'You said: "a" (simulated; no model was asked; choice 1 of 2)'],
      [1, 'You said: "a" (simulated; no model was asked; choice 2 of 2)'],
      [2, 'You said: "b" (simulated; no model was asked; choice 1 of 2)'],
      [3, 'You said: "b" (simulated; no model was asked; choice 2 of 2)'],
    ]);
  });

  it.each([
    ["one list", [5, 6], [said("#5 #6")]],
    ["lists", [[5], [6, 7]], [said("#5"), said("#6 #7")]],
  ])("reads tokens, %s of them, as words", async (_name, prompt, texts) => {
    const { json } = await ask("completions", { model: "m", prompt });
    expect(json.choices.map(({ text }) => text)).toEqual(texts);
  });

  it("puts the prompt first when it is to be echoed, also alone", async () => {
    const echoed = await ask("completions", { model: "m", prompt: "Hi", echo: true });
    expect(echoed.json.choices[0]!.text).toBe(`Hi${said("Hi")}`);
    const alone = await ask("completions", { model: "m", prompt: "Hi you", echo: true, max_tokens: 0, logprobs: 2 });
    expect(alone.json).toMatchObject({
      choices: [{ text: "Hi you", finish_reason: "length" }],
      usage: { completion_tokens: 0 },
    });
    expect(alone.json.choices[0]!.logprobs).toEqual({
      tokens: ["Hi", " you"],
      token_logprobs: [null, expect.any(Number)],
      top_logprobs: [null, { " you": expect.any(Number), "~1": expect.any(Number) }],
      text_offset: [0, 2],
    });
  });

  it("streams the same texts and log probabilities, and usage when it is asked for", async () => {
    const request = { model: "m", prompt: ["Hi", "you"], logprobs: 1, stop: [" was"] };
    const { json } = await ask("completions", request);
    const events = await askStream("completions", { ...request, stream_options: { include_usage: true } });
    for (const { index, text, logprobs, finish_reason } of json.choices) {
      const parts = events.flatMap(({ choices }) => choices.filter((choice) => choice.index === index));
      expect(parts.map((part) => part.text).join("")).toBe(text);
      expect(text.endsWith("no model")).toBe(true);
      expect(parts.at(-1)!.finish_reason).toBe(finish_reason);
      const streamed = parts.map((part) => part.logprobs as unknown as Record<string, unknown[]> | null);
      for (const [key, values] of Object.entries(logprobs as Record<string, unknown[]>)) {
        expect(streamed.flatMap((one) => one?.[key] ?? [])).toEqual(values);
      }
    }
    expect(events.at(-1)).toMatchObject({ object: "text_completion", choices: [], usage: json.usage });
  });

  it.each([
    ["prompt", {}],
    ["prompt", { prompt: [] }],
    ["prompt", { prompt: [{}] }],
    ["prompt", { prompt: Array.from({ length: 2049 }, () => "a") }],
    ["n", { prompt: ["a", "b", "c"].flatMap((one) => Array.from({ length: 10 }, () => one)), n: 100 }],
    ["logprobs", { prompt: "a", logprobs: 6 }],
    ["echo", { prompt: "a", echo: "yes" }],
    ["max_tokens", { prompt: "a", max_tokens: -1 }],
  ])("refuses a bad %s with 400 and names it", async (param, request) => {
    expect(await refusalOf("completions", { model: "m", ...request })).toMatchObject({ status: 400, param });
  });

  it("refuses what would take too much memory", async () => {
    const prompt = Array.from({ length: 20 }, () => "word ".repeat(10_000));
    expect((await ask("completions", { model: "m", prompt: prompt.slice(0, 2), echo: true })).status).toBe(200);
    expect(await refusalOf("completions", { model: "m", prompt, echo: true, n: 5 })).toMatchObject({ status: 400 });
  });
});
