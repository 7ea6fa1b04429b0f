import { describe, expect, it } from "vitest";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";

const send = (json: JsonObject, asking: Partial<Asking> = {}) =>
  sentBy(provider as Provider<never>, { ai21labs_api_key: "ai21-key" }, { model: "jamba-large-1.7", json, ...asking });
const user = (content: string) => [{ role: "user", content }];

describe("a chat with Jamba", () => {
  it("is OpenAI's, with texts alone and what Jamba has", async () => {
    const parts = [
      { type: "text", text: "a" },
      { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
      { type: "text", text: "b" },
    ];
    const json = {
      messages: [{ role: "user", content: parts }],
      temperature: 1.5,
      max_completion_tokens: 5,
      tool_choice: "required",
      seed: 1,
      response_format: { type: "json_schema", json_schema: { name: "n", schema: {} } },
      documents: [{ content: "c" }],
    };
    expect(await send(json)).toEqual({
      origin: "https://api.ai21.com",
      path: "/studio/v1/chat/completions",
      headers: ["content-type", "application/json", "accept-encoding", "identity", "authorization", "Bearer ai21-key"],
      json: {
        model: "jamba-large-1.7",
        messages: user("ab"),
        temperature: 1.5,
        max_tokens: 5,
        response_format: { type: "json_object" },
        documents: [{ content: "c" }],
      },
      adjusted: { dropped: ["seed", "tool_choice", "messages[0].content[1]", "response_format.json_schema"] },
    });
  });

  it("tells of a mark for a cache, which a text alone cannot have", async () => {
    const content = [{ type: "text", text: "a", cache_control: { type: "ephemeral" } }];
    const { json, adjusted } = await send({ messages: [{ role: "user", content }] });
    expect(json).toEqual({ model: "jamba-large-1.7", messages: user("a") });
    expect(adjusted).toEqual({ dropped: ["messages[0].content[0].cache_control"] });
  });

  it("stands for a completion", async () => {
    const { path, json } = await send({ prompt: "hi", n: 2 }, { op: "completions" });
    expect(path).toBe("/studio/v1/chat/completions");
    expect(json).toEqual({ model: "jamba-large-1.7", messages: user("hi"), n: 2 });
  });
});

describe("a completion by Jurassic-2", () => {
  it("has its model in the path, and its names and range", async () => {
    const json = { prompt: "hi", temperature: 1, max_tokens: 3, n: 2, stop: "END", top_p: 0.9, logprobs: 2 };
    expect(await send(json, { op: "completions", model: "j2-mid" })).toMatchObject({
      path: "/studio/v1/j2-mid/complete",
      json: { prompt: "hi", temperature: 0.5, maxTokens: 3, numResults: 2, stopSequences: ["END"], topP: 0.9 },
      adjusted: { converted: ["temperature"], dropped: ["logprobs"] },
    });
  });

  // What MLflow's own adapter sent, word for word; the body of a legacy caller has its temperature doubled already.
  it.each([
    ["modern", { temperature: 0, n: 1 }, { temperature: 0, numResults: 1 }],
    ["legacy", { temperature: 1, n: 1 }, { temperature: 0.5, numResults: 1 }],
    [
      "modern",
      { temperature: 0.5, n: 1, stop: ["END"], max_tokens: 64, foo: "bar", top_p: 0.9 },
      { temperature: 0.5, numResults: 1, stopSequences: ["END"], maxTokens: 64, foo: "bar", top_p: 0.9 },
    ],
  ] as const)("is MLflow's for its %s callers: %j", async (by, json, sent) => {
    const asked = { ...json, prompt: "hello" } as unknown as JsonObject;
    const { path, json: body, adjusted } = await send(asked, { op: "completions", model: "j2-mid", by });
    expect(path).toBe("/studio/v1/j2-mid/complete");
    expect(body).toEqual({ prompt: "hello", ...sent });
    expect(adjusted).toEqual({});
  });

  it.each([
    ["modern", { numResults: 2 }, "Invalid parameter numResults. Use n instead."],
    ["legacy", { numResults: 2 }, "Invalid parameter numResults. Use candidate_count instead."],
    ["modern", { maxTokens: 2 }, "Invalid parameter maxTokens. Use max_tokens instead."],
  ] as const)("has MLflow's names alone for its %s callers: %j", async (by, native, message) => {
    const json = { prompt: "hi", ...native };
    await expect(send(json, { op: "completions", model: "j2-mid", by })).rejects.toMatchObject({ message, http: 422 });
    expect((await send(json, { op: "completions", model: "j2-mid" })).json).toEqual(json);
  });

  it.each([
    ["chat", false, "completes texts and does not chat"],
    ["completions", true, "answers whole and does not stream"],
  ] as const)("is all that it does: %s, stream %s", async (op, stream, why) => {
    const json = op === "chat" ? { messages: user("hi") } : { prompt: "hi" };
    await expect(send(json, { op, stream, model: "j2-mid" })).rejects.toMatchObject({
      fault: { reason: "OPERATION_UNSUPPORTED" },
      message: expect.stringContaining(why),
    });
  });
});
