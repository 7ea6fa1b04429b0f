import { describe, expect, it } from "vitest";
import { file, joined, streamedEvents, tidy } from "../../../test/support/anthropic.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { wires } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { Call } from "../../core/call.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { Taken } from "../openai/take.ts";
import { replyIn } from "./reply-in.ts";
import { replyOut } from "./reply-out.ts";
import { requestIn } from "./request-in.ts";
import { requestOut } from "./request-out.ts";
import { StreamOut } from "./stream-out.ts";

const MODEL = "claude-sonnet-4-5-20250929";

/** What an Anthropic upstream gets for a request of an Anthropic caller, and what was told of it. */
function through(request: JsonObject, model = MODEL): { sent: JsonObject; call: Call } {
  const { exchange } = wires();
  const plan = planOf([{ ...targetOf(exchange), model }]);
  const { arrival } = callOf(plan, false, { dialect: "anthropic", protocol: "anthropic" });
  const call = new Call(arrival, plan, Body.ofJson(requestIn({ model: "route", ...request })), false);
  call.target = plan.targets[0];
  const { max_tokens, ...sent } = requestOut(call, new Taken(call), model, { defaultMaxTokens: 8192 });
  return { sent: { max_tokens: max_tokens!, ...sent }, call };
}

const ephemeral = { type: "ephemeral", ttl: "1h" };
const user = (content: Json): JsonObject => ({ role: "user", content });
const assistant = (content: Json): JsonObject => ({ role: "assistant", content });
const base = { max_tokens: 100, messages: [user("Hi")] };
const png = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
const call = (id: string, more: JsonObject = {}): JsonObject => ({
  type: "tool_use",
  id,
  name: "look",
  input: { a: [1] },
  ...more,
});

const REQUESTS: Readonly<Record<string, JsonObject>> = {
  "a system text": { ...base, system: "Be brief." },
  "system blocks with marks for the cache": {
    ...base,
    system: [
      { type: "text", text: "Be brief." },
      { type: "text", text: "A book.", cache_control: ephemeral },
    ],
  },
  "a mark for the cache on all": { ...base, cache_control: { type: "ephemeral" } },
  "instructions within the conversation": {
    ...base,
    messages: [
      user("Hi"),
      { role: "system", content: [{ type: "text", text: "In French." }] },
      assistant("Salut."),
      user("Ça va?"),
    ],
  },
  "pictures by bytes, address and id": {
    ...base,
    messages: [
      user([
        { type: "text", text: "What are they?", cache_control: { type: "ephemeral" } },
        { type: "image", source: png, cache_control: ephemeral },
        {
          type: "image",
          source: { type: "url", url: "https://example.com/a.png" },
          transformations: { oversized_image: "error" },
        },
        { type: "image", source: { type: "file", file_id: "file_01" } },
      ]),
    ],
  },
  "documents of every kind": {
    ...base,
    messages: [
      user([
        {
          type: "document",
          source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
          title: "a.pdf",
        },
        {
          type: "document",
          source: { type: "text", media_type: "text/plain", data: "Grüße, 東京" },
          context: "a letter",
        },
        { type: "document", source: { type: "url", url: "https://example.com/b.pdf" }, citations: { enabled: true } },
        { type: "document", source: { type: "file", file_id: "file_02" } },
        {
          type: "document",
          source: { type: "content", content: [{ type: "text", text: "x" }] },
          cache_control: ephemeral,
        },
        { type: "search_result", source: "https://example.com", title: "t", content: [{ type: "text", text: "y" }] },
        { type: "container_upload", file_id: "file_03" },
      ]),
    ],
  },
  "calls and results, with pictures and failures": {
    ...base,
    messages: [
      user("Look."),
      assistant([
        { type: "text", text: "I look." },
        call("toolu_1", { cache_control: ephemeral }),
        call("toolu_2", { caller: { type: "direct" } }),
      ]),
      user([
        {
          type: "tool_result",
          tool_use_id: "toolu_1",
          content: [
            { type: "text", text: "A cat:" },
            { type: "image", source: png },
          ],
        },
        { type: "tool_result", tool_use_id: "toolu_2", content: "It broke.", is_error: true, cache_control: ephemeral },
        { type: "text", text: "And now?" },
      ]),
      assistant([call("toolu_3")]),
      user([{ type: "tool_result", tool_use_id: "toolu_3" }]),
    ],
  },
  "text before a result": {
    ...base,
    messages: [
      user("Look."),
      assistant([call("toolu_1")]),
      user([
        { type: "text", text: "So:" },
        { type: "tool_result", tool_use_id: "toolu_1", content: "x" },
      ]),
    ],
  },
  "thoughts in their places": {
    ...base,
    messages: [
      user("Think."),
      assistant([
        { type: "thinking", thinking: "Hm.", signature: "EqQB" },
        { type: "redacted_thinking", data: "EmwK" },
        { type: "text", text: "I look." },
        { type: "thinking", thinking: "", signature: "ErUB" },
        call("toolu_1"),
      ]),
      user([{ type: "tool_result", tool_use_id: "toolu_1", content: "x" }]),
    ],
  },
  "a text and a thought after a call": {
    ...base,
    messages: [
      user("Go."),
      assistant([
        call("toolu_1"),
        { type: "text", text: "Then:" },
        { type: "thinking", thinking: "So.", signature: "Er" },
        call("toolu_2"),
      ]),
      user("On."),
    ],
  },
  "server tools and their results": {
    ...base,
    tools: [
      { type: "web_search_20250305", name: "web_search", max_uses: 3 },
      { type: "bash_20250124", name: "bash" },
    ],
    messages: [
      user("Search."),
      assistant([
        { type: "text", text: "I search." },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
        {
          type: "web_search_tool_result",
          tool_use_id: "srvtoolu_1",
          content: [{ type: "web_search_result", url: "u", title: "t", encrypted_content: "e" }],
        },
        {
          type: "text",
          text: "Found.",
          citations: [
            { type: "web_search_result_location", url: "u", title: "t", cited_text: "c", encrypted_index: "i" },
          ],
        },
      ]),
      user("More."),
    ],
  },
  "blocks that nobody knows yet": {
    ...base,
    messages: [user([{ type: "hologram", data: { x: 1 } }]), assistant([{ type: "dance", step: 2 }])],
  },
  "an answer that was begun": { ...base, messages: [user("Ja?"), assistant("Ne")] },
  "tools in every detail": {
    ...base,
    tools: [
      {
        name: "look",
        description: "Looks.",
        input_schema: {
          type: "object",
          properties: { a: { anyOf: [{ type: "string" }, { $ref: "#/$defs/b" }] } },
          $defs: { b: { type: "null" } },
        },
        strict: true,
        cache_control: ephemeral,
        defer_loading: true,
        allowed_callers: ["direct"],
        input_examples: [{ a: "x" }],
        eager_input_streaming: true,
      },
    ],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  },
  "any tool": { ...base, tools: [{ name: "look", input_schema: { type: "object" } }], tool_choice: { type: "any" } },
  "a tool by name": {
    ...base,
    tools: [{ name: "look", input_schema: { type: "object" } }],
    tool_choice: { type: "tool", name: "look", disable_parallel_tool_use: false },
  },
  "no tool": { ...base, tools: [{ name: "look", input_schema: { type: "object" } }], tool_choice: { type: "none" } },
  "a budget to think": {
    ...base,
    max_tokens: 4096,
    thinking: { type: "enabled", budget_tokens: 2048, display: "omitted" },
  },
  "thinking by effort": { ...base, thinking: { type: "adaptive" }, output_config: { effort: "max" } },
  "a schema": {
    ...base,
    output_config: {
      format: {
        type: "json_schema",
        schema: { type: "object", properties: { a: { type: "integer" } }, additionalProperties: false },
      },
      effort: "low",
    },
  },
  "what samples and stops": { ...base, temperature: 0.35, top_p: 0.9, top_k: 40, stop_sequences: ["END", "\n\n"] },
  "whose it is and how it is served": {
    ...base,
    metadata: { user_id: "u-1" },
    service_tier: "standard_only",
    inference_geo: "us",
    speed: "fast",
  },
  "containers, servers and contexts": {
    ...base,
    container: { id: "c_1", skills: [{ type: "anthropic", skill_id: "pdf", version: "latest" }] },
    mcp_servers: [{ type: "url", url: "https://mcp.example.com", name: "m" }],
    context_management: { edits: [{ type: "clear_tool_uses_20250919" }] },
    some_new_member: { a: 1 },
  },
  "a cache that is only warmed": { ...base, max_tokens: 0 },
};

describe("a request of the Messages API", () => {
  it.each(Object.entries(REQUESTS))("reaches an upstream of the same API as it came: %s", (_, request) => {
    const { sent, call: made } = through(request);
    expect(sent).toEqual(request);
    expect(made.adjusted).toBeUndefined();
  });

  it("joins neighbours of one role, and leaves empty texts out", () => {
    const messages = [
      user("a"),
      user([
        { type: "text", text: "" },
        { type: "text", text: "b" },
      ]),
      assistant("c"),
      assistant(""),
    ];
    expect(through({ ...base, messages }).sent["messages"]).toEqual([
      user([
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
      assistant("c"),
    ]);
  });

  it.each([
    [{ ...base, messages: [] }, "messages"],
    [{ messages: base.messages }, "max_tokens"],
    [{ ...base, max_tokens: "9" }, "max_tokens"],
    [{ ...base, messages: [{ role: "robot", content: "x" }] }, "messages.0.role"],
    [{ ...base, messages: [user(7)] }, "messages.0.content"],
    [{ ...base, messages: [user([{ text: "x" }])] }, "messages.0.content.0"],
    [{ ...base, messages: [user([{ type: "text" }])] }, "messages.0.content.0.text"],
    [{ ...base, system: 7 }, "system"],
    [{ ...base, temperature: 1.5 }, "temperature"],
    [{ ...base, stream: "yes" }, "stream"],
  ])("is refused where it is none: %j", (request, param) => {
    expect(() => requestIn(request as JsonObject)).toThrow(
      expect.objectContaining({ fault: expect.objectContaining({ reason: "FIELD_INVALID", param }) }),
    );
  });
});

const FIXTURES = ["chat", "chat-tools", "chat-thinking", "chat-length", "chat-stop", "chat-refusal", "chat-search"];

describe("an answer of the Messages API", () => {
  const { exchange } = wires();
  const plan = planOf([{ ...targetOf(exchange), model: MODEL }]);
  const made = callOf(plan, true, { dialect: "anthropic" });
  made.target = plan.targets[0];

  it.each(FIXTURES)("comes back to a caller of the same API as it was: %s", (name) => {
    const reply = JSON.parse(file(`${name}.json`).toString()) as JsonObject;
    expect(tidy(replyOut(replyIn(made, reply, 1), "r"))).toEqual(tidy(reply));
  });

  it.each(FIXTURES)("comes back as a stream of the same API, which joined is the answer: %s", (name) => {
    const reply = JSON.parse(file(`${name}.json`).toString()) as JsonObject;
    const out = new StreamOut("r");
    let text = "";
    for (const event of streamedEvents(made, file(`${name}.sse`))) text += out.event(event);
    text += out.end();
    expect(tidy(joined(text))).toEqual(tidy(reply));
  });

  it("keeps a text after a call, and a thought between, in their places", () => {
    const content = [
      call("a"),
      { type: "text", text: "b" },
      { type: "thinking", thinking: "c", signature: "d" },
      call("e"),
    ];
    const reply: JsonObject = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: MODEL,
      content,
      stop_reason: "tool_use",
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 2 },
    };
    expect(tidy(replyOut(replyIn(made, reply, 1), "r"))).toEqual(tidy(reply));
  });
});
