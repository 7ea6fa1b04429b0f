import { expect, it } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { eraReply, formOf } from "./era/replies.ts";
import { modernReply } from "./modern.ts";
import { modernBytes } from "./splice.ts";

const told = (op: "chat" | "completions", text: string) => modernBytes(op, Buffer.from(text))?.toString();

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
  const told = modernBytes("chat", Buffer.from(text), true)?.toString();
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
