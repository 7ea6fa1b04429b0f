import { describe, expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { Arrival } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { converseRequest } from "./request-out.ts";

const CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0";
const NEW = "anthropic.claude-sonnet-4-6";
const HI: Json[] = [{ role: "user", content: "hi" }];

function said(json: JsonObject, id = CLAUDE, arrival: Partial<Arrival> = {}) {
  const call = callOf(planOf([]), false, arrival);
  const request = converseRequest(call, id, id, { messages: HI, ...json });
  const { dropped = [], converted = [] } = call.adjusted ?? {};
  return { request, dropped, converted };
}

describe("tools", () => {
  const look = {
    type: "function",
    function: { name: "look", description: "Looks.", strict: true, parameters: { type: "object" } },
  };
  const now = { type: "function", function: { name: "now" }, cache_control: { type: "ephemeral", ttl: "1h" } };
  const LOOK = {
    toolSpec: { name: "look", description: "Looks.", inputSchema: { json: { type: "object" } }, strict: true },
  };
  const NOW = { toolSpec: { name: "now", inputSchema: { json: { type: "object", properties: {} } } } };
  const POINT = { cachePoint: { type: "default", ttl: "1h" } };
  const config = (json: JsonObject) => said(json, NEW).request["toolConfig"];

  it("are said with their marks for the cache after them", () => {
    expect(config({ tools: [look, now] })).toEqual({ tools: [LOOK, NOW, POINT] });
  });

  it.each<[Json, object | undefined, string[]]>([
    ["auto", { tools: [LOOK, NOW, POINT] }, []],
    ["required", { tools: [LOOK, NOW, POINT], toolChoice: { any: {} } }, []],
    [
      { type: "function", function: { name: "now" } },
      { tools: [LOOK, NOW, POINT], toolChoice: { tool: { name: "now" } } },
      [],
    ],
    ["none", undefined, ["tool_choice"]],
    [
      {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "look" } }] },
      },
      { tools: [LOOK], toolChoice: { any: {} } },
      ["tool_choice"],
    ],
  ])("are chosen from: %j", (tool_choice, expected, converted) => {
    const { request, ...told } = said({ tools: [look, now], tool_choice }, NEW);
    expect(request["toolConfig"]).toEqual(expected);
    expect(told).toEqual({ dropped: [], converted });
  });

  it("stay where the conversation has calls, though none is wanted: Converse demands them", () => {
    const messages = [
      ...HI,
      { role: "assistant", tool_calls: [{ id: "c", type: "function", function: { name: "look", arguments: "{}" } }] },
      { role: "tool", tool_call_id: "c", content: "A cat." },
    ];
    expect(said({ messages, tools: [look], tool_choice: "none" }, NEW)).toMatchObject({
      request: { toolConfig: { tools: [LOOK] } },
      dropped: ["tool_choice"],
    });
  });

  it("are not strict, and have no marks, where the model would refuse them", () => {
    const plain = { toolSpec: { name: "look", description: "Looks.", inputSchema: { json: { type: "object" } } } };
    const marked: Json = [
      { role: "user", content: [{ type: "text", text: "hi", cache_control: { type: "ephemeral" } }] },
    ];
    const llama = said({ messages: marked, tools: [look, now] }, "meta.llama3-3-70b-instruct-v1:0");
    expect(llama.request).toEqual({
      messages: [{ role: "user", content: [{ text: "hi" }] }],
      toolConfig: { tools: [plain, NOW] },
    });
    expect(llama.dropped).toEqual([
      "messages[].content[].cache_control",
      "tools[0].function.strict",
      "tools[1].cache_control",
    ]);
    expect(said({ tools: [look] }, CLAUDE).dropped).toEqual(["tools[0].function.strict"]);
    for (const id of [NEW, "anthropic.claude-haiku-4-5-20251001-v1:0", "a1b2c3d4", "qwen.qwen3-32b-v1:0"]) {
      expect(said({ tools: [look] }, id).dropped, id).toEqual([]);
    }
    expect(said({ messages: marked }, "a1b2c3d4")).toMatchObject({ dropped: [] });
  });

  it("are called one at a time where the model can be told so", () => {
    const one = (id: string, more: JsonObject = {}) => said({ tools: [look], parallel_tool_calls: false, ...more }, id);
    expect(one("anthropic.claude-sonnet-4-6")).toMatchObject({
      request: { additionalModelRequestFields: { tool_choice: { type: "auto", disable_parallel_tool_use: true } } },
      dropped: [],
    });
    expect(one("anthropic.claude-sonnet-4-6", { tool_choice: "required" }).dropped).toEqual(["parallel_tool_calls"]);
    expect(one("qwen.qwen3-32b-v1:0").dropped).toEqual(["parallel_tool_calls"]);
  });

  it("of the provider's own go through, and others are told", () => {
    const { request, dropped } = said({
      tools: [{ type: "systemTool", systemTool: { name: "nova_grounding" } }, { type: "custom" }],
    });
    expect(request["toolConfig"]).toEqual({ tools: [{ systemTool: { name: "nova_grounding" } }] });
    expect(dropped).toEqual(["tools[1]"]);
  });
});
