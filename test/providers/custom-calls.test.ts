/** Calls of OpenAI's tools of free text, with their results, where the provider has functions alone. */
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { asked, contracted, opened } from "../support/provider-contract.ts";

const KINDS = ["anthropic", "bedrock", "cohere", "gemini", "mistral"];
const TOLD: JsonObject = {
  messages: [
    { role: "user", content: "hi" },
    {
      role: "assistant",
      tool_calls: [{ id: "call_1", type: "custom", custom: { name: "patch", input: "*** Begin" } }],
    },
    { role: "tool", tool_call_id: "call_1", content: "done" },
  ],
  tools: [{ type: "custom", custom: { name: "patch" } }],
  tool_choice: "required",
  max_tokens: 64,
};

const all = (await contracted()).filter(({ kind }) => KINDS.includes(kind));

describe.each(all)("$kind", (one) => {
  it("gets the call as a function's, with its result and its tool", async () => {
    const { outgoing, call } = await asked(opened(one), "chat", one.contract.model, TOLD);
    const sent = outgoing.body.toString();
    // Arguments are an object here, and a text there.
    expect(sent.replaceAll("\\", "")).toContain('{"input":"*** Begin"}');
    expect(sent).not.toContain('"custom"');
    expect(sent).toMatch(/"tools":\[\{|"toolConfig":\{"tools":\[\{/);
    expect(call.adjusted?.converted).toEqual(expect.arrayContaining(["messages[1].tool_calls[0]", "tools[0]"]));
    expect(call.adjusted?.dropped).toEqual([]);
  });
});

it("is asked of every one of them", () => expect(all.map(({ kind }) => kind)).toEqual(KINDS));
