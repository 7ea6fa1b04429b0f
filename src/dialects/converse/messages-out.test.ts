import { describe, expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { messagesOut } from "./messages-out.ts";
import { converseReply } from "./reply-in.ts";

const MODEL = "anthropic.claude-sonnet-4-6";
const PNG = "data:image/png;base64,iVBORw0KGgo=";

function said(messages: Json[], model = MODEL) {
  const call = callOf(planOf([]), false);
  const made = messagesOut(call, messages, model);
  const { dropped = [], converted = [] } = call.adjusted ?? {};
  return { ...made, dropped, converted };
}

const content = (parts: Json) => said([{ role: "user", content: parts }]).messages[0]?.["content"];
const refused = (parts: Json) => () => content(parts);

const call = (id: string, args: string) => ({ id, type: "function", function: { name: "look", arguments: args } });

describe("a conversation in Converse's words", () => {
  it("has instructions apart, and speakers in turn, with the results of tools as the user's", () => {
    const made = said([
      { role: "system", content: "Be brief." },
      { role: "developer", content: [{ type: "text", text: "In Danish.", cache_control: { type: "ephemeral" } }] },
      { role: "user", content: "Look." },
      { role: "user", content: "Twice." },
      { role: "assistant", content: "I look.", tool_calls: [call("a", '{"at":"x"}'), call("b", "")] },
      { role: "tool", tool_call_id: "a", content: "A cat." },
      { role: "tool", tool_call_id: "b", content: [{ type: "image_url", image_url: { url: PNG } }], is_error: true },
      { role: "user", content: "And now?" },
    ]);
    expect(made).toEqual({
      system: [{ text: "Be brief." }, { text: "In Danish." }, { cachePoint: { type: "default" } }],
      messages: [
        { role: "user", content: [{ text: "Look." }, { text: "Twice." }] },
        {
          role: "assistant",
          content: [
            { text: "I look." },
            { toolUse: { toolUseId: "a", name: "look", input: { at: "x" } } },
            { toolUse: { toolUseId: "b", name: "look", input: {} } },
          ],
        },
        {
          role: "user",
          content: [
            { toolResult: { toolUseId: "a", content: [{ text: "A cat." }] } },
            {
              toolResult: {
                toolUseId: "b",
                content: [{ image: { format: "png", source: { bytes: "iVBORw0KGgo=" } } }],
                status: "error",
              },
            },
            { text: "And now?" },
          ],
        },
      ],
      dropped: [],
      converted: [],
    });
  });

  it("leaves out what says nothing, which Converse refuses", () => {
    const made = said([
      { role: "user", content: "Hi." },
      { role: "assistant", content: "" },
      { role: "assistant", content: null },
      {
        role: "user",
        content: [
          { type: "text", text: " \n" },
          { type: "text", text: "Well?" },
        ],
      },
    ]);
    expect(made.messages).toEqual([{ role: "user", content: [{ text: "Hi." }, { text: "Well?" }] }]);
  });

  it("is the user's where there are instructions alone, since Bedrock answers to users", () => {
    expect(said([{ role: "system", content: "Greet." }])).toEqual({
      system: [],
      messages: [{ role: "user", content: [{ text: "Greet." }] }],
      dropped: [],
      converted: ["messages[0].role"],
    });
  });

  it("tells of instructions in the middle, of names, and of parts that it does not know", () => {
    const made = said([
      {
        role: "user",
        name: "Ann",
        content: [
          { type: "poem", poem: "x" },
          { type: "text", text: "Hi." },
        ],
      },
      { role: "system", content: "Now in French." },
    ]);
    expect(made.system).toEqual([{ text: "Now in French." }]);
    expect(made).toMatchObject({ dropped: ["messages[0].name", "messages[0].content[0]"], converted: ["messages[1]"] });
  });

  it("keeps Converse's own blocks", () => {
    const guardContent = { text: { text: "Is it safe?", qualifiers: ["query"] } };
    expect(
      content([
        { type: "guardContent", guardContent },
        { type: "cachePoint", cachePoint: { type: "default" } },
      ]),
    ).toEqual([{ guardContent }, { cachePoint: { type: "default" } }]);
  });

  it("makes ids of other providers such as Converse takes, alike for a call and its result", () => {
    const id = `call|${"x".repeat(80)}`;
    const { messages } = said([
      { role: "assistant", tool_calls: [call(id, "{}")] },
      { role: "tool", tool_call_id: id, content: "" },
    ]);
    const plain = `call_${"x".repeat(59)}`;
    expect(messages).toMatchObject([
      { content: [{ toolUse: { toolUseId: plain } }] },
      { content: [{ toolResult: { toolUseId: plain, content: [] } }] },
    ]);
  });

  it.each<[Json, string]>([
    ["hi", "messages[0]"],
    [{ role: "narrator", content: "x" }, "messages[0].role"],
    [{ role: "assistant", tool_calls: [call("a", "[1]")] }, "messages[0].tool_calls[0].function.arguments"],
    [{ role: "assistant", tool_calls: [call("a", '{"a":')] }, "messages[0].tool_calls[0].function.arguments"],
  ])("refuses what cannot be said: %j", (message, param) => {
    expect(() => said([message])).toThrow(expect.objectContaining({ fault: expect.objectContaining({ param }) }));
  });
});

describe("pictures, documents, sound and films", () => {
  const file = (more: JsonObject): Json => [{ type: "file", file: more }];

  it.each<[string, Json, JsonObject]>([
    [
      "a picture",
      [{ type: "image_url", image_url: { url: PNG } }],
      { image: { format: "png", source: { bytes: "iVBORw0KGgo=" } } },
    ],
    [
      "a picture in S3",
      [{ type: "image_url", image_url: { url: "s3://bucket/a.JPG" } }],
      { image: { format: "jpeg", source: { s3Location: { uri: "s3://bucket/a.JPG" } } } },
    ],
    [
      "a document",
      file({ filename: "Report (v1).pdf", file_data: "data:application/pdf;base64,JVBERi0=" }),
      { document: { format: "pdf", name: "Report (v1)", source: { bytes: "JVBERi0=" } } },
    ],
    [
      "a document known by its name",
      file({ filename: "a.docx", file_data: "data:application/octet-stream;base64,UEs=" }),
      { document: { format: "docx", name: "a", source: { bytes: "UEs=" } } },
    ],
    [
      "a document without a name",
      file({ file_data: "data:text/plain;base64,aGk=" }),
      { document: { format: "txt", name: "document", source: { bytes: "aGk=" } } },
    ],
    [
      "sound",
      [{ type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } }],
      { audio: { format: "wav", source: { bytes: "UklGRg==" } } },
    ],
    [
      "a film",
      [{ type: "video_url", video_url: { url: "data:video/mp4;base64,AAAA" } }],
      { video: { format: "mp4", source: { bytes: "AAAA" } } },
    ],
  ])("are blocks of their own: %s", (_name, parts, block) => {
    expect(content(parts)).toEqual([block]);
  });

  it("has documents by names that Converse takes, and that differ", () => {
    const one = { type: "file", file: { filename: "a_b/ü  1.txt", file_data: "data:text/plain;base64,aGk=" } };
    const made = said([{ role: "user", content: [one, one] }]);
    const blocks = made.messages[0]!["content"] as JsonObject[];
    expect(blocks.map((block) => (block["document"] as JsonObject)["name"])).toEqual(["a-b-ü 1", "a-b-ü 1 2"]);
    expect(made.converted).toEqual(["messages[0].content[0].file.filename"]);
  });

  it.each<[string, Json]>([
    ["an address that Bedrock does not fetch", [{ type: "image_url", image_url: { url: "https://host/a.png" } }]],
    ["a picture of another kind", [{ type: "image_url", image_url: { url: "data:image/tiff;base64,AA==" } }]],
    ["a document of another kind", file({ file_data: "data:application/zip;base64,AA==" })],
    ["a file of another provider", file({ file_id: "file-abc" })],
    ["sound without a format", [{ type: "input_audio", input_audio: { data: "AA==" } }]],
  ])("are refused with their place where it is %s", (_name, parts) => {
    expect(refused(parts)).toThrow(
      expect.objectContaining({
        fault: expect.objectContaining({ param: expect.stringMatching(/^messages\[0\]\.content\[0\]/) }),
      }),
    );
  });
});

describe("what a model thought", () => {
  const REPLY = {
    output: {
      message: {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: "Hm.", signature: "sig==" } } },
          { reasoningContent: { redactedContent: "c2VjcmV0" } },
          { text: "I look." },
          { toolUse: { toolUseId: "t1", name: "look", input: { at: "x" } } },
          { toolUse: { toolUseId: "t2", name: "look", input: {} } },
        ],
      },
    },
    stopReason: "tool_use",
  };
  const [choice] = converseReply(REPLY, { id: null, created: 0, model: MODEL })["choices"] as JsonObject[];
  const message = choice!["message"]!;

  it("goes back to it as it was, with its calls, block by block", () => {
    expect(said([message])).toEqual({
      system: [],
      messages: [REPLY.output.message],
      dropped: [],
      converted: [],
    });
  });

  it("goes back whole where a caller kept the pieces of a stream", () => {
    const piece = (index: number, more: JsonObject) => ({
      type: "reasoning.text",
      format: "bedrock",
      model: MODEL,
      index,
      ...more,
    });
    const reasoning_details = [
      piece(0, { text: "H" }),
      piece(0, { text: "m." }),
      piece(0, { signature: "sig==" }),
      piece(1, { text: "So.", signature: "s2" }),
    ];
    expect(said([{ role: "assistant", content: "Hi.", reasoning_details }]).messages).toEqual([
      {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: "Hm.", signature: "sig==" } } },
          { reasoningContent: { reasoningText: { text: "So.", signature: "s2" } } },
          { text: "Hi." },
        ],
      },
    ]);
  });

  it("goes to no other model", () => {
    const made = said([message], "anthropic.claude-opus-4-6-v1");
    expect(JSON.stringify(made.messages)).not.toMatch(/Hm|sig|c2Vj/);
    expect(made.dropped).toEqual(["messages[0].reasoning_details"]);
  });

  it("goes nowhere without its signature's owner", () => {
    expect(said([{ role: "assistant", content: "Hi.", reasoning: "Hm." }]).dropped).toEqual(["messages[0].reasoning"]);
  });
});
