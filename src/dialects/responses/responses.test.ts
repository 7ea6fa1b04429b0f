import { describe, expect, it } from "vitest";
import { errors, GatewayError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { responseReply } from "./reply-out.ts";
import { toCommon } from "./request-in.ts";
import { ResponseStream } from "./stream-out.ts";

const REQUEST: JsonObject = { model: "chat", input: "hi" };
const THOUGHT = {
  type: "reasoning.text",
  text: "Hm.",
  signature: "s1g",
  format: "anthropic",
  model: "claude",
  index: 0,
};

describe("a request", () => {
  const common = (over: JsonObject) => toCommon({ ...REQUEST, ...over });

  it("is a conversation, with instructions first", () => {
    expect(common({ instructions: "Be brief." }).json).toEqual({
      model: "chat",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hi" },
      ],
    });
  });

  it("puts what an assistant thought, said and called into one message, and each answer to a call into its own", () => {
    const input = [
      {
        role: "user",
        content: [
          { type: "input_text", text: "Look." },
          { type: "input_image", image_url: "https://x/y.png" },
        ],
      },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: "theirs" },
      {
        type: "message",
        role: "assistant",
        id: "msg_1",
        content: [{ type: "output_text", text: "I look.", annotations: [] }],
      },
      { type: "function_call", call_id: "c1", id: "fc_1", name: "look", arguments: "{}" },
      { type: "function_call", call_id: "c2", name: "hear", arguments: '{"a":1}' },
      { type: "function_call_output", call_id: "c1", output: "A cat." },
      { type: "function_call_output", call_id: "c2", output: [{ type: "input_text", text: "Meow." }] },
      { type: "custom_tool_call", call_id: "c3", name: "sh", input: "ls" },
      { type: "custom_tool_call_output", call_id: "c3", output: "a b" },
    ];
    expect(common({ input }).json["messages"]).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "Look." },
          { type: "image_url", image_url: { url: "https://x/y.png" } },
        ],
      },
      {
        role: "assistant",
        content: "I look.",
        reasoning: "Hm.",
        reasoning_details: [{ type: "reasoning.encrypted", format: "openai-responses", data: "theirs", id: "rs_1" }],
        tool_calls: [
          { id: "c1", type: "function", function: { name: "look", arguments: "{}" } },
          { id: "c2", type: "function", function: { name: "hear", arguments: '{"a":1}' } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "A cat." },
      { role: "tool", tool_call_id: "c2", content: [{ type: "text", text: "Meow." }] },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c3", type: "custom", custom: { name: "sh", input: "ls" } }],
      },
      { role: "tool", tool_call_id: "c3", content: "a b" },
    ]);
  });

  it("says its options in the words of a chat", () => {
    const { json, stream, dropped } = common({
      max_output_tokens: 9,
      reasoning: { effort: "low", summary: "auto" },
      text: { format: { type: "json_schema", name: "a", schema: {}, strict: true }, verbosity: "low" },
      tools: [
        { type: "function", name: "f", parameters: {}, strict: null },
        { type: "custom", name: "g", format: { type: "grammar", syntax: "lark", definition: "x" } },
        { type: "web_search" },
      ],
      tool_choice: { type: "function", name: "f" },
      include: ["message.output_text.logprobs", "file_search_call.results"],
      top_logprobs: 2,
      stream: true,
      store: true,
      top_k: 4,
    });
    expect(json).toMatchObject({
      max_completion_tokens: 9,
      reasoning_effort: "low",
      verbosity: "low",
      response_format: { type: "json_schema", json_schema: { name: "a", schema: {}, strict: true } },
      tools: [
        { type: "function", function: { name: "f", parameters: {} } },
        {
          type: "custom",
          custom: { name: "g", format: { type: "grammar", grammar: { syntax: "lark", definition: "x" } } },
        },
      ],
      tool_choice: { type: "function", function: { name: "f" } },
      logprobs: true,
      top_logprobs: 2,
      stream: true,
      stream_options: { include_usage: true },
      top_k: 4,
    });
    expect(stream).toBe(true);
    expect(dropped).toEqual(["store", "tools[2]", "include.file_search_call.results"]);
  });

  it.each([
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ background: true }, "background"],
    [{ input: [] }, "input"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0]"],
    [{ input: [{ type: "function_call", name: "f", arguments: "{}" }] }, "input[0].call_id"],
    [{ stream: "yes" }, "stream"],
    [
      { input: [{ role: "assistant", content: [{ type: "output_text", text: { value: "a" } }] }] },
      "input[0].content[0].text",
    ],
  ])("is refused by the name of what is wrong: %j", (over, param) => {
    expect(() => common(over as JsonObject)).toThrow(GatewayError);
    try {
      common(over as JsonObject);
    } catch (thrown) {
      expect((thrown as GatewayError).fault).toMatchObject({ reason: "FIELD_INVALID", param });
    }
  });
});

const MESSAGE = {
  role: "assistant",
  content: "Hello.",
  reasoning: "Hm.",
  reasoning_details: [THOUGHT],
  tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
};
const USAGE = {
  prompt_tokens: 5,
  completion_tokens: 7,
  total_tokens: 12,
  completion_tokens_details: { reasoning_tokens: 3 },
};
const REPLY: JsonObject = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: MESSAGE, finish_reason: "tool_calls" }],
  usage: USAGE,
};
const KEEPS = { ...REQUEST, include: ["reasoning.encrypted_content"] };

/** The same answer in pieces, calls interleaved. */
const DELTAS: readonly [delta: JsonObject, finish?: string][] = [
  [{ role: "assistant", content: "" }],
  [{ reasoning: "H", reasoning_details: [{ ...THOUGHT, text: "H", signature: undefined }] }],
  [{ reasoning: "m.", reasoning_details: [{ ...THOUGHT, text: "m.", signature: "s1g" }] }],
  [{ content: "Hel" }],
  [{ content: "lo." }],
  [{ tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } }] }],
  [{ tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] }],
  [{ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }],
  [{}, "tool_calls"],
];

function streamed(deltas: typeof DELTAS, request: JsonObject = KEEPS, end?: GatewayError): JsonObject[] {
  const events: JsonObject[] = [];
  const stream = new ResponseStream(request, "id", (event) => events.push(event) > 0);
  for (const [delta, finish = null] of deltas) {
    stream.event({ id: "chatcmpl-1", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] });
  }
  if (end) stream.fail(end);
  else {
    stream.event({ id: "chatcmpl-1", created: 1, model: "m", choices: [], usage: USAGE });
    stream.end();
  }
  return events;
}

describe("an answer", () => {
  it("has an item for each thing that the model did", () => {
    const json = responseReply(REPLY, KEEPS, "id");
    expect(json).toMatchObject({
      id: "resp_1",
      object: "response",
      status: "completed",
      store: false,
      model: "m",
      usage: { input_tokens: 5, output_tokens: 7, total_tokens: 12, output_tokens_details: { reasoning_tokens: 3 } },
    });
    expect(json["output"]).toMatchObject([
      { type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hello.", annotations: [] }] },
      { type: "function_call", call_id: "c1", name: "f", arguments: '{"a":1}' },
    ]);
  });

  it("gives thoughts in a form that comes back as it was", () => {
    const [item] = responseReply(REPLY, KEEPS, "id")["output"] as JsonObject[];
    const call = { type: "function_call", call_id: "c1", name: "f", arguments: "{}" };
    const { json } = toCommon({ ...REQUEST, input: [item!, call] });
    expect((json["messages"] as JsonObject[])[0]!["reasoning_details"]).toEqual([THOUGHT]);
    expect(JSON.stringify(responseReply(REPLY, REQUEST, "id"))).not.toContain("encrypted_content");
  });

  it.each([
    ["length", { reason: "max_output_tokens" }],
    ["content_filter", { reason: "content_filter" }],
  ])("that ended by %s is incomplete", (finish_reason, details) => {
    const reply = { ...REPLY, choices: [{ index: 0, message: { role: "assistant", content: "H" }, finish_reason }] };
    expect(responseReply(reply, REQUEST, "id")).toMatchObject({ status: "incomplete", incomplete_details: details });
  });
});

describe("a stream", () => {
  it("ends with the response that the whole answer would have been", () => {
    const events = streamed(DELTAS);
    expect(events.at(-1)!["type"]).toBe("response.completed");
    expect(events.at(-1)!["response"]).toEqual(responseReply(REPLY, KEEPS, "id"));
  });

  it("numbers its events, opens what it adds to, closes what it opened, and tells whole what it told in pieces", () => {
    const events = streamed(DELTAS);
    expect(events.map((one) => one["sequence_number"])).toEqual(events.map((_, at) => at));
    expect(events.map((one) => one["type"])).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.reasoning_summary_part.added",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done",
      "response.reasoning_summary_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.completed",
    ]);
  });

  it("has thoughts that nothing signs in a form that comes back", () => {
    const last = streamed([[{ reasoning_content: "h" }], [{ reasoning_content: "m" }]]).at(-1)![
      "response"
    ] as JsonObject;
    const [item] = last["output"] as JsonObject[];
    const call = { type: "function_call", call_id: "c1", name: "f", arguments: "{}" };
    const { json } = toCommon({ ...REQUEST, input: [item!, call] });
    const detail = { type: "reasoning.text", format: "reasoning-content", model: "m", index: 0, text: "hm" };
    expect((json["messages"] as JsonObject[])[0]!["reasoning_details"]).toEqual([detail]);
  });

  it("has arguments as text that came as an object", () => {
    const piece = { index: 0, id: "a", type: "function", function: { name: "f", arguments: { x: 1 } } };
    const last = streamed([[{ tool_calls: [piece] }]]).at(-1)!["response"] as JsonObject;
    expect(last["output"]).toMatchObject([{ call_id: "a", arguments: '{"x":1}' }]);
  });

  it("keeps calls apart that are made at once", () => {
    const piece = (index: number, more: JsonObject): [JsonObject] => [{ tool_calls: [{ index, ...more }] }];
    const events = streamed([
      piece(0, { id: "a", type: "function", function: { name: "f", arguments: "" } }),
      piece(1, { id: "b", type: "function", function: { name: "g", arguments: "" } }),
      piece(0, { function: { arguments: "1" } }),
      piece(1, { function: { arguments: "2" } }),
    ]);
    expect((events.at(-1)!["response"] as JsonObject)["output"]).toMatchObject([
      { call_id: "a", name: "f", arguments: "1", status: "completed" },
      { call_id: "b", name: "g", arguments: "2", status: "completed" },
    ]);
  });

  it("that fails says so twice, as OpenAI does, and keeps what was made", () => {
    const events = streamed(DELTAS.slice(0, 5), REQUEST, errors.upstreamFailed("It broke."));
    expect(events.at(-2)).toMatchObject({ type: "error", code: "server_error", message: "It broke." });
    expect(events.at(-1)).toMatchObject({
      type: "response.failed",
      response: {
        status: "failed",
        error: { message: "It broke." },
        output: [{ type: "reasoning" }, { type: "message" }],
      },
    });
  });

  it("tells calls apart that all have one index, and begins with the first event that knows the model", () => {
    const told: JsonObject[] = [];
    const stream = new ResponseStream(REQUEST, "id", (event) => told.push(event) > 0);
    const call = (id: string) => ({ index: 0, id, type: "function", function: { name: id, arguments: "{}" } });
    stream.event({ id: "", model: "", created: 0, choices: [], prompt_filter_results: [] });
    for (const id of ["a", "b"]) {
      stream.event({ id: "c", model: "m", created: 1, choices: [{ index: 0, delta: { tool_calls: [call(id)] } }] });
    }
    stream.end();
    expect(told.at(-1)).toMatchObject({
      response: { id: "resp_c", model: "m", output: [{ call_id: "a" }, { call_id: "b" }] },
    });
  });

  it("tells when the caller is full", () => {
    const stream = new ResponseStream(REQUEST, "id", () => false);
    expect(stream.event({ id: null, choices: [{ index: 0, delta: { content: "x" }, finish_reason: null }] })).toBe(
      false,
    );
  });
});
