import { expect, it } from "vitest";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { wires } from "../../../test/support/sink.ts";
import type { JsonObject } from "../../core/json.ts";
import { plainChat } from "./plain-chat.ts";

/** What is left of a chat of a caller of another API, and what was told. */
function plain(json: JsonObject, newest = false) {
  const call = callOf(planOf([targetOf(wires().exchange)]), false, { dialect: "anthropic" });
  return { json: plainChat(call, json, newest), told: call.adjusted };
}

const image = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
const text = (words: string): JsonObject => ({ type: "text", text: words });

it("gives the pictures of tool results to the user, after the last of them", () => {
  const { json, told } = plain({
    messages: [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "a", type: "function", function: {}, caller: { type: "direct" } }],
      },
      { role: "tool", tool_call_id: "a", content: [text("1"), image, text("2")] },
      { role: "tool", tool_call_id: "b", content: [image] },
      { role: "user", content: "So?" },
    ],
  });
  expect(json["messages"]).toEqual([
    { role: "assistant", content: null, tool_calls: [{ id: "a", type: "function", function: {} }] },
    { role: "tool", tool_call_id: "a", content: "1\n2" },
    { role: "tool", tool_call_id: "b", content: "" },
    { role: "user", content: [image, image] },
    { role: "user", content: "So?" },
  ]);
  expect(told?.converted).toEqual(["messages[1].content"]);
});

it("has texts alone as one text, for all but users", () => {
  const { json } = plain({
    messages: [
      { role: "system", content: [text("A"), text("B")] },
      { role: "user", content: [text("C"), text("D")] },
      { role: "assistant", content: [text("E"), { ...text("F"), citations: [{}] }] },
    ],
  });
  expect(json["messages"]).toEqual([
    { role: "system", content: "A\nB" },
    { role: "user", content: [text("C"), text("D")] },
    { role: "assistant", content: "EF" },
  ]);
});

it("has documents as OpenAI takes them, and tells of the others", () => {
  const file = (of: JsonObject): JsonObject => ({ type: "file", file: of });
  const { json, told } = plain({
    messages: [
      {
        role: "user",
        content: [
          file({ file_data: "data:application/pdf;base64,JVBERi0=" }),
          file({ file_data: `data:text/plain;base64,${Buffer.from("Grüße").toString("base64")}`, filename: "a.txt" }),
          file({ file_id: "file_1" }),
          file({ file_url: "https://e.example/a.pdf" }),
          { type: "search_result", source: "s" },
        ],
      },
    ],
  });
  expect(json["messages"]).toEqual([
    {
      role: "user",
      content: [
        file({ filename: "document.pdf", file_data: "data:application/pdf;base64,JVBERi0=" }),
        text("a.txt\n\nGrüße"),
        file({ file_id: "file_1" }),
      ],
    },
  ]);
  expect(told?.dropped).toEqual(["messages[0].content[3]"]);
});

it("has no choice of tools where none is left", () => {
  const tools = [{ type: "web_search_20250305", name: "web_search" }];
  const { json, told } = plain({ messages: [], tools, tool_choice: "auto", parallel_tool_calls: false });
  expect(json).toEqual({ messages: [] });
  expect(told?.dropped).toEqual(["tools[0]"]);
});

it.each([
  [{ type: "enabled", budget_tokens: 1024 }, "low"],
  [{ type: "enabled", budget_tokens: 4096 }, "medium"],
  [{ type: "enabled", budget_tokens: 20_000 }, "high"],
  [{ type: "adaptive" }, undefined],
  [{ type: "disabled" }, undefined],
])("has thinking as an effort: %j", (thinking, effort) => {
  const { json, told } = plain({ thinking });
  expect(json).toEqual(effort === undefined ? {} : { reasoning_effort: effort });
  expect(told?.converted).toEqual(effort && ["thinking"]);
});

it("has the limit under the name that OpenAI's newer models know, and the temperature told as converted", () => {
  expect(plain({ max_tokens: 9 }).json).toEqual({ max_tokens: 9 });
  expect(plain({ max_tokens: 9 }, true).json).toEqual({ max_completion_tokens: 9 });
  expect(plain({ temperature: 1 }).told?.converted).toEqual(["temperature"]);
});
