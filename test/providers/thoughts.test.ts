/** What a model thought goes back to that model alone: every provider is asked with another vendor's signatures in the conversation. */
import { describe, expect, it } from "vitest";
import { GatewayError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { sealed } from "../../src/dialects/openai/reasoning.ts";
import { asked, contracted, opened } from "../support/provider-contract.ts";

const SIGNATURE = "CiQBVKhc7lHnXUqzZ1JxQ0pWc2R1Yz0tc2lnbmVk";

/** A conversation in which a model of this format thought, called a function, and signed both. */
function conversation(format: string, model: string): JsonObject {
  const own = { format, model };
  return {
    messages: [
      { role: "user", content: "hi" },
      {
        role: "assistant",
        content: "Let me see.",
        reasoning: "hm",
        reasoning_details: [
          { type: "reasoning.text", ...own, index: 0, text: "hm", signature: SIGNATURE },
          { type: "reasoning.encrypted", ...own, index: 1, id: "call_1", data: SIGNATURE },
          { type: "reasoning.encrypted", ...own, index: 2, data: SIGNATURE },
        ],
        tool_calls: [
          {
            id: "call_1",
            type: "function",
            function: { name: "f", arguments: "{}" },
            extra_content: { google: { thought_signature: sealed(format, model, SIGNATURE) } },
          },
        ],
      },
      { role: "tool", tool_call_id: "call_1", content: "1" },
    ],
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }],
    max_tokens: 64,
  };
}

const all = (await contracted()).filter(({ contract }) => contract.cases.some(({ op }) => op === "chat"));

describe.each(all)("$kind", (one) => {
  const of = one.contract.cases.find(({ op }) => op === "chat")!;
  const model = of.model ?? one.contract.model;
  const upstream = opened(one, of.settings);

  it.each(["gemini", "anthropic", "openai-responses", "bedrock", "cohere", "mistral"])(
    "gets no signature of another model, of the format %s",
    async (format) => {
      const sent = asked(upstream, "chat", model, conversation(format, "another-model"));
      const refused = await sent.then(
        () => false,
        (thrown: unknown) => thrown instanceof GatewayError,
      );
      // Some take no conversation at all.
      if (refused) return;
      const { outgoing, call } = await sent;
      const wire = outgoing.body.toString();
      expect(wire).not.toContain(SIGNATURE);
      expect(wire).not.toContain("pg1.");
      expect(call.adjusted?.dropped.some((path) => path.startsWith("messages[1]"))).toBe(true);
    },
  );
});

it.each(["gemini", "vertex_ai"])("%s gets those of its own", async (kind) => {
  const one = all.find((other) => other.kind === kind)!;
  const { model } = one.contract;
  const { outgoing } = await asked(opened(one), "chat", model, conversation("gemini", model));
  const { contents } = JSON.parse(outgoing.body.toString()) as { contents: { parts: JsonObject[] }[] };
  expect(contents[1]!.parts).toEqual([
    { text: "hm", thought: true, thoughtSignature: SIGNATURE },
    { text: "Let me see.", thoughtSignature: SIGNATURE },
    { functionCall: { id: "call_1", name: "f", args: {} }, thoughtSignature: SIGNATURE },
  ]);
});
