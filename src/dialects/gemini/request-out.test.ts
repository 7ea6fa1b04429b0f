import { describe, expect, it } from "vitest";
import { toGoogle } from "../../../test/support/gemini.ts";
import type { JsonObject } from "../../core/json.ts";

const NOTHING = { dropped: [], converted: [], defaulted: [] };
const user = (content: JsonObject["content"]) => ({ role: "user", content: content! });
const ask = (more: JsonObject) => ({ messages: [user("hi")], ...more });
const HI = [{ role: "user", parts: [{ text: "hi" }] }];
const call = (id: string, name: string, args: string) => ({
  id,
  type: "function",
  function: { name, arguments: args },
});

describe("a conversation in Google's words", () => {
  it("has its instructions apart, in order", () => {
    const messages = [{ role: "system", content: "A" }, { role: "developer", content: "B" }, user("hi")];
    expect(toGoogle({ messages })).toEqual({
      request: { contents: HI, systemInstruction: { parts: [{ text: "A" }, { text: "B" }] } },
      told: NOTHING,
    });
  });

  it("tells of instructions that do not stand at the head, and asks with those that stand alone", () => {
    const late = toGoogle({ messages: [user("hi"), { role: "system", content: "A" }] });
    expect(late.request["systemInstruction"]).toEqual({ parts: [{ text: "A" }] });
    expect(late.told.converted).toEqual(["messages[1].role"]);
    const alone = toGoogle({ messages: [{ role: "system", content: "A" }] });
    expect(alone.request).toEqual({ contents: [{ role: "user", parts: [{ text: "A" }] }] });
  });

  it("has media by value and by reference", () => {
    const content = [
      { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
      { type: "image_url", image_url: { url: "https://x.test/cat.jpeg?s=1" } },
      { type: "image_url", image_url: { url: "gs://b/c", mime_type: "image/webp" } },
      { type: "input_audio", input_audio: { data: "UklG", format: "wav" } },
      { type: "file", file: { file_data: "data:application/pdf;base64,JVBE" } },
      { type: "file", file: { file_url: "https://www.youtube.com/watch?v=1" }, videoMetadata: { fps: 1 } },
    ];
    const { request, told } = toGoogle({ messages: [user(content)] });
    expect(request["contents"]).toEqual([
      {
        role: "user",
        parts: [
          { inlineData: { mimeType: "image/png", data: "AAAA" } },
          { fileData: { mimeType: "image/jpeg", fileUri: "https://x.test/cat.jpeg?s=1" } },
          { fileData: { mimeType: "image/webp", fileUri: "gs://b/c" } },
          { inlineData: { mimeType: "audio/wav", data: "UklG" } },
          { inlineData: { mimeType: "application/pdf", data: "JVBE" } },
          { fileData: { fileUri: "https://www.youtube.com/watch?v=1" }, videoMetadata: { fps: 1 } },
        ],
      },
    ]);
    expect(told).toEqual(NOTHING);
  });

  it("tells what a part loses, and of a part that has no place", () => {
    const content = [
      { type: "text", text: "a", cache_control: { type: "ephemeral" } },
      { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
      { type: "hologram", hologram: {} },
    ];
    expect(toGoogle({ messages: [user(content)] }).told.dropped).toEqual([
      "messages[0].content[0].cache_control",
      "messages[0].content[1].image_url.detail",
      "messages[0].content[2]",
    ]);
  });

  it("has the results of one turn's calls together, in the order of the calls, with their names", () => {
    const messages = [
      user("hi"),
      { role: "assistant", content: "Let me see.", tool_calls: [call("a", "f", '{"x":1}'), call("b", "g", "")] },
      { role: "tool", tool_call_id: "b", content: "plain" },
      { role: "tool", tool_call_id: "a", content: '{"y":2}' },
      user("and?"),
    ];
    expect(toGoogle({ messages }).request["contents"]).toEqual([
      HI[0],
      {
        role: "model",
        parts: [
          { text: "Let me see." },
          { functionCall: { id: "a", name: "f", args: { x: 1 } } },
          { functionCall: { id: "b", name: "g", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "a", name: "f", response: { y: 2 } } },
          { functionResponse: { id: "b", name: "g", response: { output: "plain" } } },
        ],
      },
      { role: "user", parts: [{ text: "and?" }] },
    ]);
  });

  it("has pictures that a function gave, and says that one failed", () => {
    const messages = [
      { role: "assistant", content: null, tool_calls: [call("a", "f", "{}"), call("b", "f", "{}")] },
      { role: "tool", tool_call_id: "a", content: "no such city", is_error: true },
      {
        role: "tool",
        tool_call_id: "b",
        content: [
          { type: "text", text: "here" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
    ];
    const { request, told } = toGoogle({ messages });
    expect((request["contents"] as JsonObject[])[1]).toEqual({
      role: "user",
      parts: [
        { functionResponse: { id: "a", name: "f", response: { error: "no such city" } } },
        {
          functionResponse: {
            id: "b",
            name: "f",
            response: { output: "here" },
            parts: [{ inlineData: { mimeType: "image/png", data: "AAAA" } }],
          },
        },
      ],
    });
    expect(told).toEqual(NOTHING);
  });

  it("refuses a result of a call that nobody made: Google wants the function's name", () => {
    const messages = [user("hi"), { role: "tool", tool_call_id: "zz", content: "1" }];
    expect(() => toGoogle({ messages })).toThrow("messages[1].tool_call_id: must be the id of a call");
  });

  it("keeps arguments that are no JSON as a text, and tells of it", () => {
    const messages = [{ role: "assistant", content: null, tool_calls: [call("a", "f", '{"x": ')] }];
    const { request, told } = toGoogle({ messages });
    expect((request["contents"] as JsonObject[])[0]).toMatchObject({
      parts: [{ functionCall: { args: { arguments: '{"x": ' } } }],
    });
    expect(told.converted).toEqual(["messages[0].tool_calls[0].function.arguments"]);
  });
});

describe("tools in Google's words", () => {
  const parameters = {
    type: "object",
    properties: { a: { $ref: "#/$defs/n" } },
    $defs: { n: { oneOf: [{ type: "integer" }, { type: "null" }] } },
    additionalProperties: false,
  };

  it("keep the whole JSON Schema of their parameters", () => {
    const tools = [
      { type: "function", function: { name: "f", description: "F", parameters, strict: true } },
      { type: "google_search" },
      { type: "function", function: { name: "g", parameters: {} } },
      { googleSearchRetrieval: { dynamicRetrievalConfig: {} } },
      { type: "web_search_preview" },
    ];
    const { request, told } = toGoogle(ask({ tools }));
    expect(request["tools"]).toEqual([
      { functionDeclarations: [{ name: "f", description: "F", parametersJsonSchema: parameters }, { name: "g" }] },
      { googleSearch: {} },
      { googleSearchRetrieval: { dynamicRetrievalConfig: {} } },
    ]);
    expect(told.dropped).toEqual(["tools[0].function.strict", "tools[4]"]);
  });

  it("has no tools that only say to be free-form", () => {
    const { request, told } = toGoogle(ask({ tools: [{ type: "custom" }] }));
    expect(request).toEqual({ contents: HI });
    expect(told.dropped).toEqual(["tools[0]"]);
  });

  it.each<[string, JsonObject[string], JsonObject | undefined]>([
    ["none", "none", { mode: "NONE" }],
    ["auto", "auto", undefined],
    ["required", "required", { mode: "ANY" }],
    ["one", { type: "function", function: { name: "f" } }, { mode: "ANY", allowedFunctionNames: ["f"] }],
    [
      "some, if any",
      {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
      },
      { mode: "VALIDATED", allowedFunctionNames: ["f"] },
    ],
    [
      "one of some",
      {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "f" } }] },
      },
      { mode: "ANY", allowedFunctionNames: ["f"] },
    ],
  ])("are chosen: %s", (_name, tool_choice, functionCallingConfig) => {
    const { request, told } = toGoogle(ask({ tool_choice }));
    expect(request["toolConfig"]).toEqual(functionCallingConfig && { functionCallingConfig });
    expect(told).toEqual(NOTHING);
  });
});

describe("how to answer, in Google's words", () => {
  it("has every number under Google's name", () => {
    const asked = ask({
      temperature: 1.5,
      top_p: 0.9,
      top_k: 40,
      n: 2,
      max_tokens: 5,
      stop: "END",
      seed: 7,
      presence_penalty: 0.5,
      frequency_penalty: -0.5,
      logprobs: true,
      top_logprobs: 3,
    });
    expect(toGoogle(asked)).toEqual({
      request: {
        contents: HI,
        generationConfig: {
          candidateCount: 2,
          stopSequences: ["END"],
          maxOutputTokens: 5,
          temperature: 1.5,
          topP: 0.9,
          topK: 40,
          presencePenalty: 0.5,
          frequencyPenalty: -0.5,
          seed: 7,
          responseLogprobs: true,
          logprobs: 3,
        },
      },
      told: NOTHING,
    });
  });

  it("has a schema as it is, and JSON without one", () => {
    const schema = { type: "object", properties: { a: { type: ["string", "null"] } }, additionalProperties: false };
    const exact = toGoogle(ask({ response_format: { type: "json_schema", json_schema: { name: "n", schema } } }));
    expect(exact.request["generationConfig"]).toEqual({
      responseMimeType: "application/json",
      responseJsonSchema: schema,
    });
    expect(exact.told).toEqual(NOTHING);
    const any = toGoogle(ask({ response_format: { type: "json_object" } }));
    expect(any.request["generationConfig"]).toEqual({ responseMimeType: "application/json" });
  });

  it.each<[string, JsonObject, JsonObject, string[]]>([
    ["gemini-2.5-flash", { reasoning_effort: "low" }, { thinkingBudget: 1024, includeThoughts: true }, []],
    ["gemini-2.5-flash", { reasoning_effort: "none" }, { thinkingBudget: 0 }, []],
    [
      "gemini-2.5-pro",
      { reasoning_effort: "none" },
      { thinkingBudget: 128, includeThoughts: true },
      ["reasoning_effort"],
    ],
    ["gemini-3-flash", { reasoning_effort: "minimal" }, { thinkingLevel: "MINIMAL", includeThoughts: true }, []],
    ["gemini-3-pro", { reasoning_effort: "high" }, { thinkingLevel: "HIGH", includeThoughts: true }, []],
    [
      "gemini-3-pro",
      { reasoning_effort: "xhigh" },
      { thinkingLevel: "HIGH", includeThoughts: true },
      ["reasoning_effort"],
    ],
    [
      "gemini-2.5-pro",
      { thinking: { type: "enabled", budget_tokens: 2000 } },
      { thinkingBudget: 2000, includeThoughts: true },
      [],
    ],
    ["gemini-2.5-flash", { thinking: { type: "disabled" } }, { thinkingBudget: 0 }, []],
    [
      "gemini-3-flash",
      { reasoning_effort: "low", generationConfig: { thinkingConfig: { includeThoughts: false } } },
      { thinkingLevel: "LOW", includeThoughts: false },
      [],
    ],
  ])("lets %s think by %j", (model, asked, thinkingConfig, converted) => {
    const { request, told } = toGoogle(ask(asked), model);
    expect(request["generationConfig"]).toEqual({ thinkingConfig });
    expect(told).toEqual({ ...NOTHING, converted });
  });

  it("passes on what only Google knows, and drops what only OpenAI does", () => {
    const own = {
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      cachedContent: "cachedContents/1",
      labels: { team: "a" },
      somethingNew: { x: 1 },
    };
    const generationConfig = { mediaResolution: "MEDIA_RESOLUTION_LOW", temperature: 0.1 };
    const asked = ask({
      ...own,
      generationConfig,
      temperature: 0.7,
      logit_bias: { 1: 2 },
      user: "u",
      verbosity: "low",
    });
    const { request, told } = toGoogle(asked);
    expect(request).toEqual({
      contents: HI,
      generationConfig: { mediaResolution: "MEDIA_RESOLUTION_LOW", temperature: 0.7 },
      ...own,
    });
    expect(told).toEqual({ ...NOTHING, dropped: ["logit_bias", "user", "verbosity"] });
  });
});

describe("what a model thought", () => {
  const details = (model: string, format = "gemini") => [
    { type: "reasoning.text", format, model, index: 0, text: "hm" },
    { type: "reasoning.encrypted", format, model, index: 1, id: "a", data: "c2ln" },
  ];
  const said = (reasoning_details: JsonObject[], extra: JsonObject = {}) => ({
    messages: [
      user("hi"),
      { role: "assistant", content: null, reasoning_details, tool_calls: [{ ...call("a", "f", "{}"), ...extra }] },
      { role: "tool", tool_call_id: "a", content: "1" },
    ],
  });
  const parts = ({ request }: ReturnType<typeof toGoogle>) =>
    ((request["contents"] as JsonObject[])[1] as { parts: JsonObject[] }).parts;

  it("goes back to the same model, to the call that it was of", () => {
    const sent = toGoogle(said(details("gemini-3-flash")), "gemini-3-flash");
    expect(parts(sent)).toEqual([
      { text: "hm", thought: true },
      { functionCall: { id: "a", name: "f", args: {} }, thoughtSignature: "c2ln" },
    ]);
    expect(sent.told).toEqual(NOTHING);
  });

  it.each([
    ["another model", details("gemini-3-pro")],
    ["another vendor's model", details("gemini-3-flash", "anthropic")],
  ])("is dropped when it is of %s, and a model that wants a signature is told that there is none", (_name, other) => {
    const sent = toGoogle(said(other), "gemini-3-flash");
    expect(parts(sent)).toEqual([
      { functionCall: { id: "a", name: "f", args: {} }, thoughtSignature: "skip_thought_signature_validator" },
    ]);
    expect(sent.told).toEqual({
      dropped: ["messages[1].reasoning_details"],
      converted: [],
      defaulted: ["messages[1].reasoning_details"],
    });
  });

  it("is not made up for models that want none", () => {
    const sent = toGoogle(said(details("gemini-3-flash")), "gemini-2.5-flash");
    expect(parts(sent)).toEqual([{ functionCall: { id: "a", name: "f", args: {} } }]);
  });

  it("is taken from where Google's own OpenAI API has it", () => {
    const extra = { extra_content: { google: { thought_signature: "YmFyZQ==" } } };
    expect(parts(toGoogle(said([], extra), "gemini-3-flash"))).toEqual([
      { functionCall: { id: "a", name: "f", args: {} }, thoughtSignature: "YmFyZQ==" },
    ]);
  });

  it("finds its call when its place was lost on the way", () => {
    const [thought, { id: _, ...signature }] = details("gemini-3-flash") as unknown as [JsonObject, JsonObject];
    expect(parts(toGoogle(said([thought, signature]), "gemini-3-flash"))[1]).toMatchObject({
      thoughtSignature: "c2ln",
    });
  });
});

it("is the same, byte for byte, for the same request", () => {
  const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
  const asked = ask({ tools, temperature: 0.3, reasoning_effort: "low" });
  const bytes = () => JSON.stringify(toGoogle(structuredClone(asked)).request);
  expect(bytes()).toBe(bytes());
});
