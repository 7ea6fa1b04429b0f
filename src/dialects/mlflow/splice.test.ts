import { expect, it } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { eraReply, formOf } from "./era/replies.ts";
import { modernReply } from "./modern.ts";
import { modernBytes } from "./splice.ts";

/** Numbers below what is asked for, the same in each run. */
function dice(seed: number): (below: number) => number {
  let at = seed;
  return (below) => {
    at = (Math.imul(at, 1103515245) + 12345) & 0x7fffffff;
    return (at >> 8) % below;
  };
}

const told = (op: "chat" | "completions", text: string) => modernBytes(op, Buffer.from(text))?.bytes.toString();

it.each<["chat" | "completions", string]>([
  ["chat", '{"choices":[]}'],
  ["chat", '{"choices":[1,null,{"message":{"content":"a"}},{}],"usage":null,"id":null}'],
  [
    "chat",
    ` {"object" : "x", "id":"1","system_fingerprint":"f","service_tier":"d","created":1, "model":"m","extra":{"n":[1,2]},
      "none":null,"nothing":[ ], "choices":[ {"finish_reason":"stop","logprobs":null,"index":3,"message":
      {"reasoning":"\\"x\\" \u6771","content":"caf\u00e9 {[\\"","role":"tool","refusal":null,"annotations":[]}, "a":1} ],
      "usage":{"total_tokens":3,"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":0},"x":null}}\n`,
  ],
  ["chat", '{"choices":[{"message":"none","finish_reason":null}],"usage":7}'],
  [
    "completions",
    '{"choices":[{"text":"a","logprobs":{},"message":{"content":"a"}},{"index":9}],"model":"m","usage":{}}',
  ],
])("tells the members of %s that a parsed reply has, in the same order: %s", (op, text) => {
  expect(told(op, text)).toBe(JSON.stringify(modernReply(op, JSON.parse(text) as JsonObject)));
});

it("tells clients of MLflow 2.22 what MLflow told them, and no more", () => {
  const text = `{"id":"1","extra":1,"created":1.5,"model":"m","usage":{"total_tokens":3,"x":1,"prompt_tokens":null},"choices":
    [7,{"index":9,"logprobs":{},"finish_reason":"length","message":{"reasoning":"x","content":null,"tool_calls":[{"a":1}]}},{}]}`;
  const answered = { era: "2.22", provider: "openai", model: "m", op: "chat" } as const;
  expect(formOf(answered)).toBe("exact");
  const told = modernBytes("chat", Buffer.from(text), true)?.bytes.toString();
  expect(told).toBe(JSON.stringify(eraReply(answered, JSON.parse(text) as JsonObject)));
});

it("leaves to who parses what MLflow 2.22 wrote otherwise than OpenAI", () => {
  const form = (provider: string, op: "chat" | "completions") => formOf({ era: "2.22", provider, model: "m", op });
  expect([form("anthropic", "chat"), form("togetherai", "chat"), form("openai", "completions")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(form("groq", "chat")).toBe("modern");
});

it.each([
  '{"choices":{}}',
  '{"id":1}',
  '{"choices":[],"choices":[]}',
  '{"choices":[],"\\u0069d":1}',
  '{"choices":[{"message":{"role":"a","role":"b"}}]}',
  '{"choices":[]} {}',
  '{"choices":[{]}',
  '{"choices":[{"message":{"content":"',
  `{"choices":[{"message":{"content":${"[".repeat(100)}${"]".repeat(100)}}}]}`,
  "[]",
  "",
])("leaves %s to who parses", (text) => {
  expect(told("chat", text)).toBeUndefined();
});

it("keeps numbers as they are spelt", () => {
  expect(told("chat", '{"choices":[],"created":1.10,"n":12345678901234567890}')).toBe(
    '{"id":null,"object":"chat.completion","created":1.10,"model":null,"choices":[],"usage":{"prompt_tokens":null,"completion_tokens":null,"total_tokens":null},"n":12345678901234567890}',
  );
});

it("tells what a parsed reply does, whatever it has, in whatever order and however long", () => {
  const roll = dice(11);
  const shuffled = (members: readonly [string, unknown][]) => {
    const left = members.filter(() => roll(4) > 0);
    const all: [string, unknown][] = [];
    while (left.length > 0) all.push(...left.splice(roll(left.length), 1));
    return Object.fromEntries(all);
  };
  const text = () => 'caf\u00e9 "\u6771\\ \n'.repeat([0, 1, 20, 200, 2000][roll(5)]!);
  const value = () => [null, [], {}, 1, text(), [text()], { a: [text(), null] }, true][roll(8)];
  const message = () =>
    shuffled([
      ["role", "assistant"],
      ["content", text()],
      ["refusal", null],
      ["annotations", []],
      ["reasoning", value()],
      ["tool_calls", value()],
    ]);
  const choice = () =>
    shuffled([
      ["index", roll(3)],
      ["message", roll(9) === 0 ? value() : message()],
      ["text", text()],
      ["logprobs", value()],
      ["finish_reason", "stop"],
    ]);
  const usage = () =>
    shuffled([
      ["prompt_tokens", 1],
      ["completion_tokens", null],
      ["total_tokens", 3],
      ["details", value()],
    ]);
  const answered = { era: "2.22", provider: "openai", model: "m", op: "chat" } as const;
  // White space within a value is kept.
  const plain = (bytes: Buffer) => JSON.stringify(JSON.parse(bytes.toString()));
  for (let i = 0; i < 1000; i++) {
    const choices = Array.from({ length: roll(4) }, () => (roll(9) === 0 ? value() : choice()));
    const rest = shuffled([
      ["id", "1"],
      ["object", "x"],
      ["created", 1],
      ["model", "m"],
      ["usage", roll(9) === 0 ? value() : usage()],
      ["system_fingerprint", "f"],
      ["extra", value()],
    ]);
    const json = (roll(2) === 0 ? { choices, ...rest } : { ...rest, choices }) as JsonObject;
    const bytes = Buffer.from(JSON.stringify(json, null, roll(3)));
    for (const op of ["chat", "completions"] as const) {
      const spliced = modernBytes(op, bytes)!;
      expect(plain(spliced.bytes)).toBe(JSON.stringify(modernReply(op, json)));
      expect(spliced.members.map(({ key }) => key)).toEqual(Object.keys(json));
    }
    expect(plain(modernBytes("chat", bytes, true)!.bytes)).toBe(JSON.stringify(eraReply(answered, json)));
  }
});
