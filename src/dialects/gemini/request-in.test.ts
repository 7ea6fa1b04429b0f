import { describe, expect, it } from "vitest";
import { toGoogle } from "../../../test/support/gemini.ts";
import type { JsonObject } from "../../core/json.ts";
import { embedReply, embedRequest } from "./embeddings-caller.ts";
import { chatRequest } from "./request-in.ts";

const ask = (json: JsonObject, stream = false) => chatRequest(json, "route", stream);
const contents = [{ role: "user", parts: [{ text: "hi" }] }];
const HI = { model: "route", messages: [{ role: "user", content: "hi" }] };

describe("a request of Google's API in the common shape", () => {
  it("takes the names of the proto as those of the JSON", () => {
    const asked = ask({
      contents: [
        { parts: [{ text: "hi" }, { inline_data: { mime_type: "image/png", data: "ab-_" } }] },
        { role: "user", parts: [{ file_data: { mime_type: "video/mp4", file_uri: "gs://b/v.mp4" } }] },
      ],
      system_instruction: { parts: { text: "Be brief." } },
      generation_config: { max_output_tokens: 9, stop_sequences: ["END"], response_mime_type: "application/json" },
      tool_config: { function_calling_config: { mode: "any", allowed_function_names: ["f"] } },
      tools: [{ function_declarations: [{ name: "f", parameters_json_schema: { type: "object" } }] }],
    });
    expect(asked).toEqual({
      model: "route",
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:image/png;base64,ab+/" } },
          ],
        },
        { role: "user", content: [{ type: "file", file: { file_url: "gs://b/v.mp4", mime_type: "video/mp4" } }] },
      ],
      tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
      tool_choice: { type: "function", function: { name: "f" } },
      max_completion_tokens: 9,
      stop: ["END"],
      response_format: { type: "json_object" },
    });
  });

  it("makes JSON Schema of Google's own", () => {
    const responseSchema = {
      type: "OBJECT",
      properties: {
        nullable: { type: "STRING", nullable: true, format: "enum", enum: ["a"] },
        list: { type: "ARRAY", items: { anyOf: [{ type: "INTEGER" }, { type: "NUMBER" }] }, minItems: "1" },
      },
      propertyOrdering: ["list", "nullable"],
    };
    const { response_format } = ask({
      contents,
      generationConfig: { responseMimeType: "application/json", responseSchema },
    });
    expect(response_format).toEqual({
      type: "json_schema",
      json_schema: {
        name: "response",
        schema: {
          type: "object",
          properties: {
            nullable: { type: ["string", "null"], enum: ["a"] },
            list: { type: "array", items: { anyOf: [{ type: "integer" }, { type: "number" }] }, minItems: 1 },
          },
          propertyOrdering: ["list", "nullable"],
        },
      },
    });
  });

  it.each<[string, JsonObject, JsonObject]>([
    ["a budget", { thinkingBudget: 512, includeThoughts: true }, { thinking: { type: "enabled", budget_tokens: 512 } }],
    [
      "a level, and no thoughts to be seen",
      { thinkingLevel: "LOW" },
      { reasoning_effort: "low", generationConfig: { thinkingConfig: { includeThoughts: false } } },
    ],
    ["no thinking", { thinkingBudget: 0 }, { thinking: { type: "disabled" } }],
    ["as much as it likes", { thinkingBudget: -1, includeThoughts: true }, { thinking: { type: "adaptive" } }],
    [
      "thoughts to be seen alone",
      { includeThoughts: true },
      { generationConfig: { thinkingConfig: { includeThoughts: true } } },
    ],
  ])("says how much to think: %s", (_name, thinkingConfig, common) => {
    expect(ask({ contents, generationConfig: { thinkingConfig } })).toEqual({ ...HI, ...common });
  });

  it("keeps what only Google knows under Google's names, for Google", () => {
    const own = { safetySettings: [{ category: "A", threshold: "B" }], cachedContent: "c/1", labels: { a: "b" } };
    const asked = ask({
      contents,
      ...own,
      toolConfig: { retrievalConfig: { languageCode: "en" }, functionCallingConfig: { mode: "VALIDATED" } },
      generationConfig: {
        responseModalities: ["TEXT"],
        responseMimeType: "text/x.enum",
        responseSchema: { enum: ["a"] },
      },
      tools: [{ googleSearch: {}, functionDeclarations: [{ name: "f" }] }, { codeExecution: {} }],
    });
    expect(asked).toEqual({
      ...HI,
      ...own,
      toolConfig: { retrievalConfig: { languageCode: "en" }, functionCallingConfig: { mode: "VALIDATED" } },
      generationConfig: {
        responseModalities: ["TEXT"],
        responseMimeType: "text/x.enum",
        responseSchema: { enum: ["a"] },
      },
      tools: [
        { type: "googleSearch", googleSearch: {} },
        { type: "function", function: { name: "f" } },
        { type: "codeExecution", codeExecution: {} },
      ],
    });
  });

  it("keeps what functions answer apart from the tools, and gives it to Google alone", () => {
    const declared = { name: "f", parametersJsonSchema: { type: "object" }, responseJsonSchema: { type: "string" } };
    const asked = ask({ contents, tools: [{ functionDeclarations: [declared, { name: "g" }] }] });
    expect(asked).toEqual({
      ...HI,
      tools: [
        { type: "function", function: { name: "f", parameters: { type: "object" } } },
        { type: "function", function: { name: "g" } },
      ],
      functionDeclarations: [{ name: "f", responseJsonSchema: { type: "string" } }],
    });
    expect(toGoogle(asked).request["tools"]).toEqual([{ functionDeclarations: [declared, { name: "g" }] }]);
  });

  it("ties results to the calls that they are of, with ids and without", () => {
    const call = (name: string, id?: string) => ({ functionCall: { name, args: { n: 1 }, ...(id && { id }) } });
    const result = (name: string, response: JsonObject, id?: string) => ({
      functionResponse: { name, response, ...(id && { id }) },
    });
    const { messages } = ask({
      contents: [
        { role: "model", parts: [{ text: "See:" }, call("f"), call("f"), call("g", "own")] },
        {
          role: "function",
          parts: [
            result("g", { output: "text" }, "own"),
            result("f", { a: 1 }),
            result("f", { error: "no" }),
            { text: "and?" },
          ],
        },
      ],
    });
    expect(messages).toEqual([
      {
        role: "assistant",
        content: "See:",
        tool_calls: ["call_0_1", "call_0_2", "own"].map((id) => ({
          id,
          type: "function",
          function: { name: id === "own" ? "g" : "f", arguments: '{"n":1}' },
        })),
      },
      { role: "tool", tool_call_id: "own", content: "text" },
      { role: "tool", tool_call_id: "call_0_1", content: '{"a":1}' },
      { role: "tool", tool_call_id: "call_0_2", content: "no", is_error: true },
      { role: "user", content: "and?" },
    ]);
  });

  it("streams with its usage, as Google does", () => {
    expect(ask({ contents }, true)).toEqual({ ...HI, stream: true, stream_options: { include_usage: true } });
  });

  it.each<[string, JsonObject, string]>([
    ["no contents", {}, "contents: must be a list with at least one content"],
    ["an empty list", { contents: [] }, "contents: must be a list with at least one content"],
    ["a text", { contents: ["hi"] }, "contents[0]: must be an object with parts"],
    ["a role of OpenAI's", { contents: [{ role: "assistant", parts: [] }] }, "contents[0].role: must be user or model"],
  ])("is refused in Google's own names for %s", (_name, json, message) => {
    expect(() => ask(json)).toThrow(message);
  });
});

describe("a request for vectors", () => {
  it("is one text, or several that want the same", () => {
    const content = (text: string) => ({ parts: [{ text }] });
    expect(embedRequest({ content: content("a"), taskType: "X", output_dimensionality: 3 }, "r", false)).toEqual({
      model: "r",
      input: "a",
      dimensions: 3,
      taskType: "X",
    });
    const requests = [{ model: "models/r", content: content("a") }, { content: content("b") }];
    expect(embedRequest({ requests }, "r", true)).toEqual({ model: "r", input: ["a", "b"] });
    const odd = { requests: [...requests, { content: content("c"), taskType: "X" }] };
    expect(() => embedRequest(odd, "r", true)).toThrow("requests[2]: must ask for the same as the first");
    const image = { content: { parts: [{ inlineData: { mimeType: "image/png", data: "" } }] } };
    expect(() => embedRequest(image, "r", false)).toThrow("content.parts: must be texts");
  });

  it("is answered in Google's form, whatever form the vectors came in", () => {
    const bytes = Buffer.alloc(8);
    bytes.writeFloatLE(0.5, 0);
    bytes.writeFloatLE(-2, 4);
    const json = {
      data: [{ embedding: [0.5, -2] }, { embedding: bytes.toString("base64") }],
      usage: { prompt_tokens: 2, total_tokens: 2 },
    };
    expect(embedReply(json, true)).toEqual({
      embeddings: [{ values: [0.5, -2] }, { values: [0.5, -2] }],
      usageMetadata: { promptTokenCount: 2, totalTokenCount: 2 },
    });
    expect(embedReply(json, false)).toMatchObject({ embedding: { values: [0.5, -2] } });
  });
});
