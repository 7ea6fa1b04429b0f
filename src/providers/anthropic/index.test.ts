import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { AnthropicSettingsSchema } from "../../../gen/providers/anthropic/v1/settings_pb.js";
import { fakeClock } from "../../../test/support/clock.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { TOOLS } from "../../../test/support/provider-contract.ts";
import { RecordingSink, wires } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { type Arrival, Call, type Operation } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import { run } from "../../core/run.ts";
import { provider } from "./index.ts";

type Init = MessageInitShape<typeof AnthropicSettingsSchema>;
const settings = (init: Init = {}) => create(AnthropicSettingsSchema, { anthropicApiKey: "sk-ant-k", ...init });

/** What is sent for a request in the common shape; `told` of it. */
async function sent(
  request: JsonObject,
  init: Init = {},
  how: { op?: Operation; model?: string; over?: Partial<Arrival> } = {},
) {
  const { op = "chat", model = "claude-sonnet-4-5", over = {} } = how;
  const upstream = provider.open(settings(init), TOOLS);
  const plan = planOf([{ ...targetOf(wires().exchange, 0, upstream), model }], { op });
  const body = Body.ofJson({ model: "route", ...request });
  const call = new Call(callOf(plan, false, over).arrival, plan, body, request["stream"] === true);
  call.target = plan.targets[0];
  const { path, headers, body: bytes } = await upstream.encode(call, body, model);
  const named = Object.fromEntries(headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!]] : [])));
  return { origin: upstream.origin, path, headers: named, text: bytes.toString(), call };
}

const chat = { messages: [{ role: "user", content: "Hi" }], max_tokens: 9 };

describe("a chat", () => {
  it("is sent with the key, the version and the model", async () => {
    const { origin, path, headers, text } = await sent(chat);
    expect(origin).toBe("https://api.anthropic.com");
    expect(path).toBe("/v1/messages");
    expect(headers).toEqual({
      "content-type": "application/json",
      "accept-encoding": "identity",
      "x-api-key": "sk-ant-k",
      "anthropic-version": "2023-06-01",
    });
    expect(text).toBe('{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}');
  });

  it("is sent as a stream when it was asked for as one", async () => {
    expect((await sent({ ...chat, stream: true, stream_options: { include_usage: true } })).text).toBe(
      '{"model":"claude-sonnet-4-5","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}',
    );
  });

  it("has a picture, a tool and a schema in Anthropic's words", async () => {
    const content = [
      { type: "text", text: "What?" },
      { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
      { type: "file", file: { file_data: "data:application/pdf;base64,JVBERi0=", filename: "a.pdf" } },
    ];
    const parameters = { type: "object", properties: { a: { type: "string" } } };
    const { text } = await sent({
      messages: [{ role: "user", content }],
      max_completion_tokens: 9,
      tools: [{ type: "function", function: { name: "look", description: "Looks.", parameters, strict: true } }],
      response_format: { type: "json_schema", json_schema: { name: "n", schema: parameters } },
    });
    expect(text).toBe(
      '{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"What?"},' +
        '{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},' +
        '{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a.pdf"}]}],' +
        '"tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object","properties":{"a":{"type":"string"}}},"strict":true}],' +
        '"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}}}}}}',
    );
  });
});

describe("a completion", () => {
  const asked = { prompt: "Hello", stop: ["END"], max_tokens: 64, temperature: 0.5 };

  it("of an old model goes to the old API, in its one form", async () => {
    const { path, text } = await sent(asked, {}, { op: "completions", model: "claude-2.1" });
    expect(path).toBe("/v1/complete");
    expect(text).toBe(
      '{"model":"claude-2.1","prompt":"\\n\\nHuman: Hello\\n\\nAssistant:","max_tokens_to_sample":64,"temperature":0.25,"stop_sequences":["END"]}',
    );
  });

  it("of an old model has the temperature of MLflow's time", async () => {
    const ask = async (over: Partial<Arrival>, temperature: number) => {
      const how = { op: "completions", model: "claude-instant-1.2", over } as const;
      return JSON.parse((await sent({ ...asked, temperature }, {}, how)).text) as JsonObject;
    };
    expect((await ask({ dialect: "mlflow" }, 0.5))["temperature"]).toBe(0.25);
    // Callers of 2.5-2.8 say 0-1, which came here doubled.
    expect((await ask({ dialect: "mlflow", legacy: true }, 1))["temperature"]).toBe(0.5);
  });

  it("of another model is a chat", async () => {
    const { path, text } = await sent(asked, {}, { op: "completions", model: "claude-3-5-haiku-20241022" });
    expect(path).toBe("/v1/messages");
    expect(JSON.parse(text)).toMatchObject({ messages: [{ role: "user", content: "Hello" }], stop_sequences: ["END"] });
  });

  it("has a limit and a user, and no more texts than one", async () => {
    const how = { op: "completions", model: "claude-2.1" } as const;
    const { text, call } = await sent(
      { prompt: ["\n\nHuman: Hi\n\nAssistant: Well,"], user: "u", n: 2 },
      { defaultMaxTokens: 70 },
      how,
    );
    expect(JSON.parse(text)).toEqual({
      model: "claude-2.1",
      prompt: "\n\nHuman: Hi\n\nAssistant: Well,",
      max_tokens_to_sample: 70,
      metadata: { user_id: "u" },
    });
    expect(call.adjusted).toEqual({ dropped: ["n"], converted: [], defaulted: ["max_tokens"] });
    await expect(sent({ prompt: ["a", "b"] }, {}, how)).rejects.toMatchObject({ fault: { reason: "FIELD_INVALID" } });
  });
});

describe("the settings", () => {
  it.each([
    [{ baseUrl: "http://127.0.0.1:9" }, "http://127.0.0.1:9", "/v1/messages"],
    [{ baseUrl: "https://proxy.example/claude/" }, "https://proxy.example", "/claude/messages"],
    [{ anthropicApiBase: "https://api.example/v1" }, "https://api.example", "/v1/messages"],
    [
      { anthropicApiBase: "https://a.example/v1", baseUrl: "https://b.example/v1" },
      "https://b.example",
      "/v1/messages",
    ],
  ])("say where to call: %j", async (init, origin, path) => {
    expect(await sent(chat, init)).toMatchObject({ origin, path });
  });

  it("say the version, the betas and the limit", async () => {
    const init = { anthropicVersion: "2099-01-01", anthropicBetas: ["a-1", "b-2"], defaultMaxTokens: 55 };
    const { headers, text, call } = await sent({ messages: chat.messages }, init);
    expect(headers).toMatchObject({ "anthropic-version": "2099-01-01", "anthropic-beta": "a-1,b-2" });
    expect(JSON.parse(text)).toMatchObject({ max_tokens: 55 });
    expect(call.adjusted?.defaulted).toEqual(["max_tokens"]);
  });

  it("let a caller of the Messages API add betas, and nobody else, and no other letters", async () => {
    const init = { anthropicBetas: ["a-1"] };
    const betas = async (dialect: "anthropic" | "openai", beta: string) =>
      (await sent(chat, init, { over: { dialect, headers: { "anthropic-beta": beta } } })).headers["anthropic-beta"];
    expect(await betas("anthropic", "c-3, a-1")).toBe("a-1,c-3");
    expect(await betas("openai", "c-3")).toBe("a-1");
    expect(await betas("anthropic", "c-3\r\nx: y")).toBe("a-1");
  });

  it("are told what is wrong with them", () => {
    const entry = { name: "claude-sonnet-4-5", routeType: "llm/v1/chat" };
    const wrong = settings({ anthropicApiKey: "ключ", baseUrl: "api.anthropic.com" });
    expect(provider.check!(wrong, entry).map(({ path }) => path)).toEqual(["anthropic_api_key", "base_url"]);
    expect(provider.check!(settings(), entry)).toEqual([]);
  });
});

describe("a stream", () => {
  const event = (type: string, more: JsonObject = {}) =>
    Buffer.from(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`);

  it("is not taken for dead as long as it says that it is at work", () => {
    const clock = fakeClock();
    const { exchange, all } = wires();
    const upstream = provider.open(settings(), TOOLS);
    const plan = planOf([{ ...targetOf(exchange, 0, upstream), model: "claude-opus-5" }]);
    const call = new Call(
      callOf(plan, true).arrival,
      plan,
      Body.ofJson({ model: "route", ...chat, stream: true }),
      true,
    );
    const sink = Object.assign(new RecordingSink(false), { alive: () => void sink.told.push("alive") });
    run(call, sink, clock);
    const { receiver } = all[0]!;
    receiver.onHead(200, { "content-type": "text/event-stream" });
    receiver.onData(event("message_start", { message: { id: "msg_1", model: "claude-opus-5" } }));
    for (let i = 0; i < 3; i++) {
      clock.advance(plan.chunkMs - 1);
      receiver.onData(event("ping"));
    }
    expect(sink.told.slice(2)).toEqual(["alive", "alive", "alive"]);
    clock.advance(plan.chunkMs + 1);
    expect(sink.error?.fault).toMatchObject({ reason: "DEADLINE_PASSED", limit: "chunk" });
  });
});
