import { describe, expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { Call } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { functionCalls, functionChoice, functionTools } from "./custom-tools.ts";

function told<T>(make: (call: Call) => T) {
  const call = callOf(planOf([]), false);
  return { made: make(call), told: call.adjusted };
}

describe("a tool of free text, where there are functions alone", () => {
  const look = { type: "function", function: { name: "look" } };
  const format: JsonObject = { type: "grammar", grammar: { syntax: "lark", definition: "start: /x/" } };
  const patch = { type: "custom", custom: { name: "patch", description: "Patches.", format } };

  it("is a function of one text, and only its grammar is lost", () => {
    const { made, told: adjusted } = told((call) => functionTools(call, [look, patch]));
    const parameters = { type: "object", properties: { input: { type: "string" } }, required: ["input"] };
    expect(made).toEqual([
      look,
      { type: "function", function: { name: "patch", description: "Patches.", parameters } },
    ]);
    expect(adjusted).toMatchObject({ converted: ["tools[1]"], dropped: ["tools[1].custom.format"] });
  });

  it("is called with that text", () => {
    const said = { role: "assistant", content: null };
    const calls: Json[] = [
      { id: "c1", type: "custom", custom: { name: "patch", input: 'a "b"\n' } },
      { id: "c2", type: "function", function: { name: "look", arguments: "{}" } },
    ];
    const { made, told: adjusted } = told((call) => functionCalls(call, [{ ...said, tool_calls: calls }]));
    const called = { name: "patch", arguments: JSON.stringify({ input: 'a "b"\n' }) };
    expect(made).toEqual([{ ...said, tool_calls: [{ id: "c1", type: "function", function: called }, calls[1]] }]);
    expect(adjusted).toMatchObject({ converted: ["messages[0].tool_calls[0]"], dropped: [] });
  });

  it("is chosen, and allowed, as that function", () => {
    const name = { name: "patch" };
    const one = { type: "function", function: name };
    const chosen = (choice: Json) => told((call) => functionChoice(call, choice));
    const converted = { converted: ["tool_choice"] };
    expect(chosen({ type: "custom", custom: name })).toMatchObject({ made: one, told: converted });
    const allowed = (tools: Json) => ({ type: "allowed_tools", allowed_tools: { mode: "auto", tools } });
    const made = allowed([one, look]);
    expect(chosen(allowed([{ type: "custom", custom: name }, look]))).toMatchObject({ made, told: converted });
  });

  it.each<Json | undefined>([undefined, null, "required", [look], [{ role: "user", content: "hi" }]])(
    "is not there in %j, which stays as it came",
    (json) => {
      expect(
        told((call) => [functionTools(call, json), functionCalls(call, json), functionChoice(call, json)]),
      ).toEqual({
        made: [json, json, json],
        told: undefined,
      });
    },
  );
});
