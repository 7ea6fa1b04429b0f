import { fromJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { MlflowModelServingSettingsSchema } from "../../../gen/providers/mlflow_model_serving/v1/settings_pb.js";
import { answered, opened } from "../../../test/support/provider-contract.ts";
import { type Asking, sentBy } from "../../../test/support/sent.ts";
import type { Generation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Provider } from "../../core/provider.ts";
import { provider } from "./index.ts";

const SETTINGS = { model_server_url: "http://served:5000/m/" };
const OPENAI = { ...SETTINGS, model_server_api: "openai" };
const send = (json: JsonObject, asking: Partial<Asking> = {}, settings: JsonObject = SETTINGS) =>
  sentBy(provider as Provider<never>, settings, { model: "my-model", json, ...asking });
const user = (content: string) => ({ role: "user", content });

describe("a request to a model that MLflow serves", () => {
  it.each([
    [
      "chat",
      { messages: [user("hi")], temperature: 1.5, foo: "bar" },
      { inputs: ["hi"], params: { temperature: 1.5, foo: "bar" } },
    ],
    ["completions", { prompt: "hi", n: 2, user: "ann" }, { inputs: ["hi"], params: { n: 2, user: "ann" } }],
    ["completions", { prompt: "hi" }, { inputs: ["hi"] }],
    ["embeddings", { input: ["a", "b"] }, { inputs: ["a", "b"] }],
  ] as const)("has the text as its input and the rest as parameters: %s %j", async (op, json, sent) => {
    expect(await send(json as unknown as JsonObject, { op })).toEqual({
      origin: "http://served:5000",
      path: "/m/invocations",
      headers: ["content-type", "application/json", "accept-encoding", "identity"],
      json: sent,
      adjusted: {},
    });
  });

  // What MLflow's own adapter sent, word for word; the body of a legacy caller has its temperature doubled already.
  it.each([
    ["modern", { temperature: 0, n: 1 }, { temperature: 0, n: 1 }],
    [
      "legacy",
      { temperature: 0.6, n: 1, stop: ["END"], max_tokens: 64, top_p: 0.9 },
      { temperature: 0.3, candidate_count: 1, stop: ["END"], max_tokens: 64, top_p: 0.9 },
    ],
  ] as const)("is MLflow's for its %s callers: %j", async (by, json, params) => {
    const asked = { ...json, messages: [user("hello")] } as unknown as JsonObject;
    expect((await send(asked, { by })).json).toEqual({ inputs: ["hello"], params });
  });

  it("is one message alone, of whatever role", async () => {
    const many = [{ role: "system", content: "s" }, user("hi")];
    await expect(send({ messages: many })).rejects.toMatchObject({
      fault: { reason: "FIELD_INVALID", param: "messages" },
      message: expect.stringContaining("there are 2"),
    });
    const { json, adjusted } = await send({ messages: [{ role: "system", content: "s", name: "ann" }] });
    expect(json).toEqual({ inputs: ["s"] });
    expect(adjusted).toEqual({ converted: ["messages[0].role"], dropped: ["messages[0].name"] });
  });

  it("keeps a picture for MLflow's own clients of 2.22, and tells others that it is dropped", async () => {
    const parts = [
      { type: "text", text: "what" },
      { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
    ];
    const picture = { messages: [{ role: "user", content: parts }] };
    expect(await send(picture, { by: "2.22" })).toMatchObject({ json: { inputs: [parts] }, adjusted: {} });
    const dropped = { json: { inputs: ["what"] }, adjusted: { dropped: ["messages[0].content[1]"] } };
    expect(await send(picture, { by: "modern" })).toMatchObject(dropped);
    const texts = { messages: [{ role: "user", content: parts.slice(0, 1) }] };
    expect((await send(texts, { by: "2.22" })).json).toEqual({ inputs: ["what"] });
  });

  it.each([SETTINGS, OPENAI])("is never streamed: %j", async (settings) => {
    await expect(send({ messages: [user("hi")] }, { stream: true }, settings)).rejects.toMatchObject({
      fault: { reason: "OPERATION_UNSUPPORTED" },
    });
  });

  it.each([
    ["chat", { messages: [{ role: "system", content: "s" }, user("hi")], temperature: 1, tools: [] }],
    ["completions", { prompt: "hi", max_tokens: 3 }],
    ["embeddings", { input: ["a"] }],
  ] as const)("goes through as it came where the model speaks OpenAI's words: %s", async (op, json) => {
    const sent = await send({ ...json, stream_options: {} } as unknown as JsonObject, { op }, OPENAI);
    expect(sent).toMatchObject({ path: "/m/invocations", adjusted: {} });
    expect(sent.json).toEqual(json);
  });
});

describe("the answer of a model that MLflow serves", () => {
  const read = async (
    op: Generation,
    bytes: string,
    how: { stream?: boolean; framed?: boolean } = {},
    settings = SETTINGS,
  ) => {
    const contract = { settings, model: "my-model", cases: [], faults: [] };
    const file = () => Buffer.alloc(0);
    const upstream = opened({ kind: "served", provider: provider as Provider<unknown>, contract, file });
    const request = { chat: { messages: [user("hi")] }, completions: { prompt: "hi" }, embeddings: { input: "hi" } }[
      op
    ];
    return await answered(upstream, { op, model: "my-model", request }, Buffer.from(bytes), { stream: false, ...how });
  };

  it.each([
    ['{"predictions": "a"}', ["a"]],
    ['{"predictions": ["a"]}', ["a"]],
    ['{"predictions": ["a", "b"]}', ["a", "b"]],
    ['{"predictions": {"candidates": ["a", "b"]}}', ["a", "b"]],
    ['{"predictions": {"candidates": ["a"], "scores": [1]}}', ["a"]],
    ['{"predictions": {"text": "a"}}', ["a"]],
  ])("is read when it is %s", async (bytes, texts) => {
    const { told } = await read("completions", bytes);
    const { choices } = JSON.parse(told[0]!.slice(6)) as { choices: { text: string }[] };
    expect(choices.map(({ text }) => text)).toEqual(texts);
  });

  it.each([
    ["completions", '{"outputs": ["x"]}', '{"outputs"} without "predictions"'],
    ["completions", '{"predictions": []}', '{"predictions": []}'],
    ["completions", '{"predictions": [1.5, 2.5]}', '{"predictions": [a number, ...]}'],
    ["chat", '{"predictions": null}', '{"predictions": null}'],
    ["chat", '{"predictions": {"a": ["x"], "b": ["y"]}}', '{"predictions": {"a", "b"}}'],
    ["chat", '{"choices": [{"message": {"content": "x"}}]}', '{"choices"} without "predictions"'],
    ["embeddings", '{"predictions": ["x"]}', '{"predictions": [a text]}'],
    ["embeddings", '{"predictions": [[1], []]}', '{"predictions": [[a number], ...]}'],
  ] as const)("is an error that says what came and what is wanted: %s %s", async (op, bytes, came) => {
    const { told, error } = await read(op, bytes);
    expect(told).toEqual(["fail UPSTREAM_FAILED"]);
    expect(error?.message).toContain(
      `The served model my-model answered ${came}, which cannot be read; it must answer {"pred`,
    );
    expect(error?.http).toBe(502);
  });
});

it.each([
  [{}, ["model_server_url"]],
  [{ model_server_url: "served:5000" }, ["model_server_url"]],
  [{ ...SETTINGS, model_server_api: "responses" }, ["model_server_api"]],
  [OPENAI, []],
  [{ base_url: "http://a" }, []],
])("settings %j: what is wrong is %j", (json, paths) => {
  const settings = fromJson(MlflowModelServingSettingsSchema, json as never);
  expect(provider.check!(settings, { name: "m", routeType: "" }).map(({ path }) => path)).toEqual(paths);
});
