import { describe, expect, it } from "vitest";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { wires } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { type Arrival, Call } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { abilitiesOf } from "../openai/claude.ts";
import { Taken } from "../openai/take.ts";
import { requestOut } from "./request-out.ts";

const OLDER = "claude-sonnet-4-5-20250929";
const NEWER = "claude-opus-4-8";

/** What an OpenAI caller's request becomes, and what was told of it. */
function sent(request: JsonObject, model = OLDER, over: Partial<Arrival> = {}) {
  const plan = planOf([{ ...targetOf(wires().exchange), model }]);
  const { arrival } = callOf(plan, false, over);
  const call = new Call(arrival, plan, Body.ofJson({ model: "route", max_tokens: 100, ...request }), false);
  const json = requestOut(call, new Taken(call), model, { defaultMaxTokens: 8192 });
  return { json, told: call.adjusted, messages: json["messages"] as JsonObject[] };
}

const hi: JsonObject = { role: "user", content: "Hi" };
const made = (id: string, args = "{}"): JsonObject => ({
  id,
  type: "function",
  function: { name: "look", arguments: args },
});
const asks = (...messages: JsonObject[]): JsonObject => ({ messages });
const look: JsonObject = { type: "function", function: { name: "look" } };

describe("a conversation", () => {
  it("has its instructions at the head, the later ones moved there and told", () => {
    const { json, messages, told } = sent(
      asks(
        { role: "system", content: "A" },
        { role: "developer", content: [{ type: "text", text: "B", cache_control: { type: "ephemeral" } }] },
        hi,
        { role: "system", content: "C" },
      ),
    );
    expect(json["system"]).toEqual([
      { type: "text", text: "A" },
      { type: "text", text: "B", cache_control: { type: "ephemeral" } },
      { type: "text", text: "C" },
    ]);
    expect(messages).toEqual([hi]);
    expect(told?.converted).toEqual(["messages[3]"]);
  });

  it("has the results of one turn's calls in one message, in order, with what the user says after them", () => {
    const { messages } = sent(
      asks(
        hi,
        { role: "assistant", content: null, tool_calls: [made("a", '{"x":1}'), made("b")] },
        { role: "tool", tool_call_id: "a", content: "1" },
        { role: "tool", tool_call_id: "b", content: [{ type: "text", text: "2" }], is_error: true },
        { role: "user", content: "Well?" },
      ),
    );
    expect(messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "a", name: "look", input: { x: 1 } },
          { type: "tool_use", id: "b", name: "look", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "a", content: "1" },
          { type: "tool_result", tool_use_id: "b", content: [{ type: "text", text: "2" }], is_error: true },
          { type: "text", text: "Well?" },
        ],
      },
    ]);
  });

  it("has other providers' ids in letters that the API takes, the same in call and result", () => {
    const id = "functions.look:0";
    const { messages } = sent(
      asks(hi, { role: "assistant", tool_calls: [made(id)] }, { role: "tool", tool_call_id: id, content: "x" }),
    );
    expect(JSON.stringify(messages)).toContain('"id":"functions_look_0"');
    expect(JSON.stringify(messages)).toContain('"tool_use_id":"functions_look_0"');
  });

  it("shows a model the arguments that were no JSON", () => {
    const { messages } = sent(asks(hi, { role: "assistant", content: "", tool_calls: [made("a", '{"x":')] }));
    expect(messages[1]!["content"]).toEqual([
      { type: "tool_use", id: "a", name: "look", input: { arguments: '{"x":' } },
    ]);
  });

  it("leaves out what is empty, for which the API would refuse it all", () => {
    const { messages, told } = sent(
      asks(
        { role: "system", content: "" },
        hi,
        { role: "assistant", content: "" },
        { role: "user", content: [{ type: "text", text: "" }] },
      ),
    );
    expect(messages).toEqual([hi]);
    expect(told).toBeUndefined();
  });

  it("tells of names, sounds, details of pictures and kinds of parts without a place", () => {
    const { told } = sent(
      asks({
        role: "user",
        name: "ann",
        content: [
          { type: "text", text: "x" },
          { type: "input_audio", input_audio: { data: "", format: "wav" } },
          { type: "image_url", image_url: { url: "https://e.example/a.png", detail: "high" } },
          { type: "video_url", video_url: { url: "https://e.example/a.mp4" } },
          { type: "file", file: { file_data: "data:application/zip;base64,UEs=" } },
        ],
      }),
    );
    expect(told?.dropped).toEqual([
      "messages[0].name",
      "messages[0].content[1]",
      "messages[0].content[2].image_url.detail",
    ]);
  });

  it("is the user's where there are instructions alone, since the API answers to users", () => {
    const { json, messages, told } = sent(asks({ role: "system", content: "Greet." }));
    expect(json["system"]).toBeUndefined();
    expect(messages).toEqual([{ role: "user", content: "Greet." }]);
    expect(told?.converted).toEqual(["messages[0].role"]);
  });

  it("tells of members of messages that nobody knows", () => {
    const { messages, told } = sent(
      asks(
        { role: "system", content: "S", kept: true },
        { ...hi, audio: null, id: "m1" },
        { role: "assistant", content: "A", reasoning_content: "Hm.", annotations: [], function_call: null },
      ),
    );
    expect(messages).toEqual([hi, { role: "assistant", content: "A" }]);
    expect(told?.dropped).toEqual(["messages[0].kept", "messages[1].id", "messages[2].reasoning_content"]);
  });

  it("has a refusal as what was said", () => {
    expect(sent(asks(hi, { role: "assistant", content: null, refusal: "No." })).messages[1]).toEqual({
      role: "assistant",
      content: [{ type: "text", text: "No." }],
    });
  });
});

describe("what a model thought", () => {
  const thought = (format: string, model: string) =>
    asks(hi, {
      role: "assistant",
      content: "A",
      reasoning: "Hm.",
      reasoning_details: [{ type: "reasoning.text", format, model, index: 0, text: "Hm.", signature: "S" }],
    });

  it("goes back to that model", () => {
    const { messages, told } = sent(thought("anthropic", OLDER));
    expect(messages[1]!["content"]).toEqual([
      { type: "thinking", thinking: "Hm.", signature: "S" },
      { type: "text", text: "A" },
    ]);
    expect(told).toBeUndefined();
  });

  it.each([
    ["anthropic", NEWER],
    ["gemini", "gemini-3-pro"],
  ])("goes to no other: %s, %s", (format, model) => {
    const { messages, told } = sent(thought(format, model));
    expect(messages[1]).toEqual({ role: "assistant", content: "A" });
    expect(told?.dropped).toEqual(["messages[1].reasoning_details"]);
  });
});

describe("nested members that the API has no place for", () => {
  it("are told", () => {
    const schema = { type: "object", properties: {} };
    const calls = [{ id: "c", type: "function", function: { name: "f", arguments: "{}", x_call: 1 } }];
    const { told } = sent({
      ...asks(hi, { role: "assistant", tool_calls: calls }),
      response_format: { type: "json_schema", x_format: 1, json_schema: { name: "n", schema, x_schema: 1 } },
    });
    expect([...(told?.dropped ?? [])].sort()).toEqual([
      "messages[1].tool_calls[0].function.x_call",
      "response_format.json_schema.x_schema",
      "response_format.x_format",
    ]);
  });
});

describe("tools", () => {
  it("have a schema whatever they came with, and those of OpenAI alone are told", () => {
    const custom = { type: "custom" };
    const alone = sent({ ...asks(hi), tools: [custom], tool_choice: "required" });
    expect(alone.json).not.toHaveProperty("tools");
    expect(alone.json).not.toHaveProperty("tool_choice");
    expect(alone.told?.dropped).toEqual(["tools[0]", "tool_choice"]);
    const { json, told } = sent({ ...asks(hi), tools: [look, custom] });
    expect(json["tools"]).toEqual([{ name: "look", input_schema: { type: "object", properties: {} } }]);
    expect(told?.dropped).toEqual(["tools[1]"]);
  });

  it.each([
    [{ tool_choice: "auto" }, { type: "auto" }],
    [{ tool_choice: "required" }, { type: "any" }],
    [{ tool_choice: "none" }, { type: "none" }],
    [{ tool_choice: { type: "function", function: { name: "look" } } }, { type: "tool", name: "look" }],
    [{ parallel_tool_calls: false }, { type: "auto", disable_parallel_tool_use: true }],
    [
      { tool_choice: "required", parallel_tool_calls: false },
      { type: "any", disable_parallel_tool_use: true },
    ],
    [{ parallel_tool_calls: true }, undefined],
    [{ tool_choice: "none", parallel_tool_calls: false }, { type: "none" }],
  ])("are chosen as asked: %j", (asked, want) => {
    expect(sent({ ...asks(hi), tools: [look], ...asked }).json["tool_choice"]).toEqual(want);
  });
});

describe("how much to think", () => {
  const effort = (reasoning_effort: string, model: string, more: JsonObject = {}) => {
    const { json, told } = sent({ ...asks(hi), max_tokens: 40_000, reasoning_effort, ...more }, model);
    return { thinking: json["thinking"], effort: (json["output_config"] as JsonObject | undefined)?.["effort"], told };
  };

  it.each([
    ["none", undefined],
    ["minimal", 1024],
    ["low", 2048],
    ["medium", 8192],
    ["high", 16384],
    ["xhigh", 32000],
  ])("is a budget for models up to 4.5, within the answer's limit: %s", (word, budget_tokens) => {
    const { thinking, told } = effort(word, OLDER);
    expect(thinking).toEqual(budget_tokens && { type: "enabled", budget_tokens });
    expect(told?.converted).toEqual(budget_tokens && ["reasoning_effort"]);
  });

  it.each([
    ["low", NEWER, "low", undefined],
    ["minimal", NEWER, "low", ["reasoning_effort"]],
    ["xhigh", NEWER, "xhigh", undefined],
    ["xhigh", "claude-sonnet-4-6", "high", ["reasoning_effort"]],
  ])("is an effort for newer ones: %s to %s", (word, model, said, converted) => {
    expect(effort(word, model)).toMatchObject({ thinking: { type: "adaptive" }, effort: said });
    expect(effort(word, model).told?.converted).toEqual(converted);
  });

  it("is turned off for newer models where none is asked for", () => {
    expect(effort("none", NEWER)).toMatchObject({ thinking: { type: "disabled" }, effort: undefined });
  });

  it.each([
    ["a model that cannot", "claude-3-5-haiku-20241022", {}],
    ["too short an answer", OLDER, { max_tokens: 1000 }],
    ["a tool that must be called", OLDER, { tools: [look], tool_choice: "required" }],
    [
      "results of calls made without thinking",
      OLDER,
      asks(hi, { role: "assistant", tool_calls: [made("a")] }, { role: "tool", tool_call_id: "a", content: "x" }),
    ],
    ["an answer that was begun", OLDER, asks(hi, { role: "assistant", content: "I" })],
  ])("is dropped and told for %s", (_, model, more) => {
    const { thinking, told } = effort("high", model, more as JsonObject);
    expect(thinking).toBeUndefined();
    expect(told?.dropped).toEqual(["reasoning_effort"]);
  });

  it("goes through as an exact budget, with all beside it", () => {
    const thinking = { type: "enabled", budget_tokens: 1500 };
    const { json, told } = sent({ ...asks(hi), max_tokens: 4000, thinking, temperature: 2 });
    expect(json).toMatchObject({ thinking, temperature: 1 });
    expect(told).toEqual({ dropped: [], converted: ["temperature"], defaulted: [] });
  });

  it("takes the place of a temperature, which does not go with it", () => {
    const { json, told } = sent({
      ...asks(hi),
      max_tokens: 4000,
      reasoning_effort: "low",
      temperature: 0.5,
      top_p: 0.5,
    });
    expect(json).not.toHaveProperty("temperature");
    expect(told?.dropped).toEqual(["temperature", "top_p"]);
  });
});

describe("the rest", () => {
  it("has half the temperature, the stops as a list, and a limit whether one was given or not", () => {
    const { json, told } = sent({ ...asks(hi), max_tokens: null, temperature: 0.7, stop: "END", top_k: 3 });
    expect(json).toEqual({ max_tokens: 8192, messages: [hi], temperature: 0.35, stop_sequences: ["END"], top_k: 3 });
    expect(told).toEqual({ dropped: [], converted: ["temperature"], defaulted: ["max_tokens"] });
  });

  it("has no temperature for models that take none", () => {
    const { json, told } = sent({ ...asks(hi), temperature: 0.7, top_p: 0.5 }, NEWER);
    expect(json).toEqual({ max_tokens: 100, messages: [hi] });
    expect(told?.dropped).toEqual(["temperature", "top_p"]);
  });

  it("has MLflow's temperature as MLflow sent it", () => {
    const mlflow = { dialect: "mlflow" } as const;
    expect(sent({ ...asks(hi), temperature: 0.5 }, OLDER, mlflow).json["temperature"]).toBe(0.25);
    expect(sent({ ...asks(hi), temperature: 0.5, unheard: [1] }, OLDER, mlflow).json["unheard"]).toEqual([1]);
  });

  it("has a schema with its description, and no promise of JSON without one", () => {
    const schema = { type: "object", properties: {} };
    const asked = { type: "json_schema", json_schema: { name: "n", description: "D", schema } };
    expect(sent({ ...asks(hi), response_format: asked }).json["output_config"]).toEqual({
      format: { type: "json_schema", schema: { description: "D", ...schema } },
    });
    const { json, told } = sent({ ...asks(hi), response_format: { type: "json_object" } });
    expect(json).not.toHaveProperty("output_config");
    expect(told?.dropped).toEqual(["response_format"]);
  });

  it.each([
    ["auto", "auto", undefined],
    ["default", "standard_only", undefined],
    ["priority", "auto", { converted: ["service_tier"] }],
    ["flex", undefined, { dropped: ["service_tier"] }],
  ])("has the tier %s as %s", (asked, want, how) => {
    const { json, told } = sent({ ...asks(hi), service_tier: asked });
    expect(json["service_tier"]).toBe(want);
    if (how) expect(told).toMatchObject(how);
    else expect(told).toBeUndefined();
  });

  it("has the user under Anthropic's name", () => {
    expect(sent({ ...asks(hi), user: "u", safety_identifier: "s" }).json["metadata"]).toEqual({ user_id: "u" });
  });
});

describe("what a model can do", () => {
  it.each<[string, Json]>([
    ["claude-2.1", "never"],
    ["claude-instant-1.2", "never"],
    ["claude-3-haiku-20240307", "never"],
    ["claude-3-5-sonnet-20241022", "never"],
    ["claude-3-7-sonnet-20250219", "budget"],
    ["claude-sonnet-4-20250514", "budget"],
    ["claude-opus-4-1@20250805", "budget"],
    ["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "budget"],
    ["claude-opus-4-6", "effort"],
    ["claude-opus-5", "effort"],
    ["my-own-name", "effort"],
  ])("is known by its name: %s thinks by %s", (model, thinks) => {
    expect(abilitiesOf(model).thinks).toBe(thinks);
  });

  it("is whether it samples and how much effort it knows", () => {
    expect(abilitiesOf("claude-sonnet-4-6")).toMatchObject({ samples: true, xhigh: false });
    expect(abilitiesOf("anthropic.claude-opus-4-7-v1")).toMatchObject({ samples: false, xhigh: true });
    expect(abilitiesOf("claude-sonnet-5-5")).toMatchObject({ samples: false, xhigh: true });
    expect(abilitiesOf("bench-model")).toMatchObject({ samples: true });
  });
});
