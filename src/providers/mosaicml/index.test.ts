import { describe, expect, it } from "vitest";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";

const SETTINGS = { mosaicml_api_key: "mos-key" };
const send = (json: JsonObject, asking: Partial<Asking> = {}, settings: JsonObject = SETTINGS) =>
  sentBy(provider as Provider<never>, settings, { model: "llama2-70b-chat", json, ...asking });
const user = (content: string) => ({ role: "user", content });

describe("a chat with MosaicML", () => {
  it("is Llama 2's prompt, with a key that no word goes before", async () => {
    const messages = [
      { role: "system", content: "You are X" },
      { role: "developer", content: "Second sys" },
      user("q1"),
      { role: "assistant", content: "a1" },
      {
        role: "user",
        content: [
          { type: "text", text: "q2" },
          { type: "image_url", image_url: { url: "x" } },
        ],
        name: "ann",
      },
    ];
    expect(
      await send({ messages, temperature: 0.5, max_tokens: 64, stop: "END", n: 2, top_k: 4, user: "ann" }),
    ).toEqual({
      origin: "https://models.hosted-on.mosaicml.hosting",
      path: "/llama2-70b-chat/v1/predict",
      headers: ["content-type", "application/json", "accept-encoding", "identity", "authorization", "mos-key"],
      json: {
        inputs: [
          "<s>[INST] <<SYS>> You are X <</SYS>> <<SYS>> Second sys <</SYS>> q1 [/INST] a1 </s><s>[INST] q2 [/INST]",
        ],
        parameters: { temperature: 0.5, stop: ["END"], max_new_tokens: 64, top_k: 4 },
      },
      adjusted: {
        converted: ["messages[1].role"],
        dropped: ["messages[4].name", "messages[4].content[1]", "n", "user"],
      },
    });
  });

  it.each(["tool", "wizard"])("has no place for the role %s", async (role) => {
    await expect(send({ messages: [{ role, content: "x" }] })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID", param: "messages[0].role" },
    });
  });

  it("is never streamed", async () => {
    await expect(send({ messages: [user("hi")] }, { stream: true })).rejects.toMatchObject({
      fault: { reason: "OPERATION_UNSUPPORTED" },
    });
  });
});

// What MLflow's own adapter sent, word for word; the body of a legacy caller has its temperature doubled already.
it.each([
  ["modern", { temperature: 0, n: 1 }, { temperature: 0, n: 1 }],
  ["legacy", { temperature: 1, n: 1 }, { temperature: 0.5, candidate_count: 1 }],
  ["modern", { temperature: 0.3, n: 1, top_p: 0.9, foo: "bar" }, { temperature: 0.3, n: 1, top_p: 0.9, foo: "bar" }],
] as const)("sends MLflow's request for its %s callers: %j", async (by, json, parameters) => {
  const asked = { ...json, prompt: "hello" } as unknown as JsonObject;
  const { json: sent, adjusted } = await send(asked, { op: "completions", model: "mpt-7b-instruct", by });
  expect(sent).toEqual({ inputs: ["hello"], parameters });
  expect(adjusted).toEqual({});
});

it.each([
  [{ mosaicml_api_base: "http://a:1/b" }, "http://a:1", "/b"],
  [{ mosaicml_api_base: "http://a:1/b", base_url: "http://c:2/" }, "http://c:2", ""],
])("follows %j", async (base, origin, prefix) => {
  const sent = await send(
    { input: "embtext", foo: "bar" },
    { op: "embeddings", by: "modern" },
    { ...SETTINGS, ...base },
  );
  expect(sent).toMatchObject({
    origin,
    path: `${prefix}/llama2-70b-chat/v1/predict`,
    json: { inputs: ["embtext"], foo: "bar" },
  });
});
