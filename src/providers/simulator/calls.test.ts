import { describe, expect, it } from "vitest";
import { ask, askStream, refusalOf, says, type ToolCallWire } from "../../../test/support/simulator.ts";
import type { JsonObject } from "../../core/json.ts";

const parameters = {
  type: "object",
  properties: { city: { type: "string" }, unit: { enum: ["c", "f"] } },
  required: ["city", "unit"],
};
const tools = [
  { type: "function", function: { name: "get_weather", parameters } },
  { type: "function", function: { name: "get-time" } },
  { type: "custom", custom: { name: "shell" } },
];
const forced = (name: string) => ({ type: "function", function: { name } });

/** Names of the tools that the answer calls. */
async function called(text: string, more: JsonObject = {}): Promise<(string | undefined)[]> {
  const { json } = await ask("chat", says(text, { tools, ...more }));
  return (json.choices[0]!.message.tool_calls ?? []).map((call) => call.function?.name ?? call.custom?.name);
}

describe("the simulator's tool calls", () => {
  it("are made when the user's last message says so", async () => {
    expect(await called("What is the weather?")).toEqual([]);
    expect(await called("Please call get_weather.")).toEqual(["get_weather"]);
    expect(await called("Call get_weather, then call get-time and call get_weather")).toEqual([
      "get_weather",
      "get-time",
      "get_weather",
    ]);
    expect(await called("call get_nothing")).toEqual([]);
    expect(await called("call get_weather, call get-time", { parallel_tool_calls: false })).toEqual(["get_weather"]);
    expect(await called("call get_weather", { tool_choice: "none" })).toEqual([]);
  });

  it("are made when the request requires them", async () => {
    expect(await called("Hello", { tool_choice: "required" })).toEqual(["get_weather"]);
    expect(await called("call get-time", { tool_choice: "required" })).toEqual(["get-time"]);
    expect(await called("Hello", { tool_choice: forced("get-time") })).toEqual(["get-time"]);
    expect(await called("Hello", { tool_choice: { type: "custom", custom: { name: "shell" } } })).toEqual(["shell"]);
    const allowed = (mode: string) => ({ type: "allowed_tools", allowed_tools: { mode, tools: [forced("get-time")] } });
    expect(await called("Hello", { tool_choice: allowed("required") })).toEqual(["get-time"]);
    expect(await called("call get_weather", { tool_choice: allowed("auto") })).toEqual([]);
  });

  it("have arguments that fit the tool's schema, and an id of their own", async () => {
    const { json } = await ask("chat", says("call get_weather, call get-time, call shell", { tools, n: 2 }));
    const [first, second] = json.choices;
    expect(first).toMatchObject({ finish_reason: "tool_calls", message: { content: null }, logprobs: null });
    const [weather, time, shell] = first!.message.tool_calls!;
    expect(weather).toMatchObject({ type: "function", function: { name: "get_weather" } });
    expect(JSON.parse(weather!.function!.arguments!)).toEqual({
      city: "simulated",
      unit: expect.stringMatching(/^[cf]$/),
    });
    expect(time).toMatchObject({ type: "function", function: { name: "get-time", arguments: "{}" } });
    expect(shell).toMatchObject({ type: "custom", custom: { name: "shell", input: "simulated" } });
    const ids = [...first!.message.tool_calls!, ...second!.message.tool_calls!].map(({ id }) => id);
    expect(new Set(ids).size).toBe(6);
  });

  it("are streamed in fragments that make up the same calls", async () => {
    const request = says("call get_weather, call get-time, call shell", { tools });
    const { json } = await ask("chat", request);
    const events = await askStream("chat", request);
    const deltas = events.map(({ choices }) => choices[0]!.delta);
    expect(deltas[0]).toEqual({ role: "assistant", content: null, refusal: null });
    const calls: ToolCallWire[] = [];
    for (const part of deltas.flatMap(({ tool_calls }) => tool_calls ?? [])) {
      const known = calls[part.index!];
      if (known === undefined) {
        expect(part).toMatchObject({ id: expect.any(String), type: expect.any(String) });
        calls[part.index!] = { ...part };
        continue;
      }
      expect(part).not.toHaveProperty("id");
      const kind = known.function ? "function" : "custom";
      const key = known.function ? "arguments" : "input";
      const sofar: Readonly<Record<string, string | undefined>> = known[kind]!;
      const more: Readonly<Record<string, string | undefined>> = part[kind]!;
      calls[part.index!] = { ...known, [kind]: { ...sofar, [key]: `${sofar[key]}${more[key]}` } };
    }
    expect(calls.map((call) => ({ ...call, index: undefined }))).toEqual(json.choices[0]!.message.tool_calls);
    expect(deltas.flatMap(({ tool_calls }) => tool_calls ?? []).length).toBeGreaterThan(5);
    expect(events.at(-1)!.choices[0]!.finish_reason).toBe("tool_calls");
  });

  it("are cut in the middle when too few tokens are allowed", async () => {
    const { json } = await ask("chat", says("call get_weather, call get-time", { tools, max_tokens: 3 }));
    const [call, ...more] = json.choices[0]!.message.tool_calls!;
    expect(() => JSON.parse(call!.function!.arguments!) as unknown).toThrow();
    expect(more).toEqual([]);
    expect(json.choices[0]!.finish_reason).toBe("length");
    expect(json.usage["completion_tokens"]).toBe(3);
  });

  it.each([
    ["names a tool that is not there", { tool_choice: forced("nothing") }],
    ["is a word without a meaning", { tool_choice: "always" }],
    [
      "allows a tool that is not there",
      { tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [forced("x")] } } },
    ],
  ])("are refused when tool_choice %s", async (_why, more) => {
    expect(await refusalOf("chat", says("Hello", { tools, ...more }))).toMatchObject({
      status: 400,
      param: "tool_choice",
    });
  });

  it("are refused when no arguments can fit", async () => {
    const impossible = [{ type: "function", function: { name: "f", parameters: { enum: [] } } }];
    expect(await refusalOf("chat", says("call f", { tools: impossible }))).toMatchObject({
      status: 400,
      message: expect.stringContaining("Invalid schema"),
    });
  });
});
