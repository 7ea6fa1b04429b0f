import { describe, expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { type Arrival, Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { COMPATIBLE, withoutForeign } from "./foreign.ts";
import { sealed } from "./reasoning.ts";

function sent(json: JsonObject, dialect: Arrival["dialect"] = "openai", keep?: ReadonlySet<string>, thinker?: string) {
  const bytes = Buffer.from(JSON.stringify(json));
  const call = new Call(callOf(planOf([]), false, { dialect }).arrival, planOf([]), Body.ofBytes(bytes), false);
  const body = withoutForeign(call, call.body, keep, thinker);
  return { same: body === call.body, json: body.json, dropped: call.adjusted?.dropped ?? [] };
}

const user = { role: "user", content: 'says "reasoning_details" and \\"thought_signature\\"' };
const detail = { type: "reasoning.text", format: "anthropic", model: "m", text: "hm", signature: "c2ln" };
const said = { role: "assistant", content: "a" };

describe("a body for a server of OpenAI's kind", () => {
  it("is the same one, byte for byte, when nothing in it is another vendor's", () => {
    expect(sent({ messages: [user], x_new: 1 })).toMatchObject({ same: true, dropped: [] });
    const theirs = { ...said, reasoning_details: [{ type: "reasoning.text", format: "their-own", text: "hm" }] };
    expect(sent({ messages: [user, theirs] })).toMatchObject({ same: true, dropped: [] });
  });

  it("has no thoughts of another vendor's model, nor what came with them", () => {
    const images = [{ type: "image_url", image_url: { url: "data:image/png;base64,AA" } }];
    const thought = { ...said, reasoning: "hm", reasoning_details: [detail], images };
    expect(sent({ messages: [user, thought] })).toEqual({
      same: false,
      json: { messages: [user, said] },
      dropped: ["messages[1].reasoning_details", "messages[1].reasoning", "messages[1].images"],
    });
  });

  it("has thoughts that nothing signs only where the server takes them", () => {
    const thought = { ...said, reasoning_content: "hm" };
    expect(sent({ messages: [user, thought] })).toEqual({
      same: false,
      json: { messages: [user, said] },
      dropped: ["messages[1].reasoning_content"],
    });
    expect(sent({ messages: [{ ...said, reasoning: "hm" }] }).dropped).toEqual(["messages[0].reasoning"]);
    expect(sent({ messages: [user, thought] }, "openai", COMPATIBLE, "r1")).toMatchObject({ same: true, dropped: [] });
  });

  it.each(["openai", "anthropic", "gemini"] as const)(
    "has them of its own model again, of a caller's in %s",
    (dialect) => {
      const one = { type: "reasoning.text", format: "reasoning-content", model: "r1", text: "hm" };
      const thought = { ...said, reasoning: "hm", reasoning_details: [one] };
      expect(sent({ messages: [thought] }, dialect, COMPATIBLE, "r1")).toMatchObject({
        json: { messages: [{ ...said, reasoning_content: "hm" }] },
        dropped: [],
      });
      const other = sent({ messages: [thought] }, dialect, COMPATIBLE, "r2");
      expect(JSON.stringify(other.json)).not.toContain("reasoning_content");
      expect(other.dropped).toContain("messages[0].reasoning_details");
    },
  );

  it("has no ids of calls that OpenAI refuses for their length, and the same one in a call and its result", () => {
    const told = (id: string) => [
      { ...said, tool_calls: [{ id, type: "function", function: { name: "f", arguments: "{}" } }] },
      { role: "tool", tool_call_id: id, content: "1" },
    ];
    expect(sent({ messages: told("x".repeat(40)) })).toMatchObject({ same: true });
    const { json, dropped } = sent({ messages: told("x".repeat(41)) });
    const [call, result] = json["messages"] as [{ tool_calls: [{ id: string }] }, { tool_call_id: string }];
    expect(call.tool_calls[0].id).toMatch(/^call_[0-9a-f]{35}$/);
    expect(result.tool_call_id).toBe(call.tool_calls[0].id);
    expect(dropped).toEqual([]);
    expect(sent({ messages: told("x".repeat(41)) }, "anthropic").json["messages"]).toEqual(json["messages"]);
    expect(sent({ messages: told("x".repeat(41)) }, "openai", COMPATIBLE, "r1")).toMatchObject({ same: true });
  });

  it("keeps a signature that a server of Google's gave itself, and not one that the gateway put there", () => {
    const calling = (thought_signature: string) => ({
      ...said,
      tool_calls: [{ id: "a", type: "function", extra_content: { google: { thought_signature } } }],
    });
    expect(sent({ messages: [calling("c2ln")] })).toMatchObject({ same: true });
    const { json, dropped } = sent({ messages: [calling(sealed("gemini", "m", "c2ln"))] });
    expect(json["messages"]).toEqual([{ ...said, tool_calls: [{ id: "a", type: "function" }] }]);
    expect(dropped).toEqual(["messages[0].tool_calls[0].extra_content"]);
  });

  it("has of a caller of Google's API what OpenAI knows, and what the server knows beside", () => {
    const asked = { messages: [user], top_k: 4, generationConfig: { mediaResolution: "LOW" }, temperature: 1 };
    expect(sent(asked, "gemini")).toMatchObject({
      json: { messages: [user], temperature: 1 },
      dropped: ["top_k", "generationConfig"],
    });
    expect(sent(asked, "gemini", COMPATIBLE).json).toEqual({ messages: [user], top_k: 4, temperature: 1 });
  });
});
