import { readFileSync } from "node:fs";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { OpenAICompatibleSettingsSchema } from "../../../gen/providers/openai_compatible/v1/settings_pb.js";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { Call } from "../../core/call.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Outgoing, Tools } from "../../core/provider.ts";
import { loadProvider, providerKindOf } from "../../registry.ts";
import { presets, provider } from "./index.ts";
import { PRESETS } from "./presets.ts";

const TOOLS = {} as Tools;
const settings = (from: MessageInitShape<typeof OpenAICompatibleSettingsSchema> = {}) =>
  create(OpenAICompatibleSettingsSchema, { apiKey: "key", ...from });

function sent(kind: string, json: JsonObject) {
  const plan = planOf([]);
  const body = Body.ofBytes(Buffer.from(JSON.stringify(json)));
  const call = new Call(callOf(plan, false).arrival, plan, body, false);
  const outgoing = presets[kind]!.open(settings(), TOOLS).encode(call, body, "the-model") as Outgoing;
  return { outgoing, json: JSON.parse(outgoing.body.toString()) as JsonObject, adjusted: call.adjusted };
}

it("has every preset of the table under its name, and every name in kinds.json leads to one", () => {
  const names = JSON.parse(readFileSync(new URL("kinds.json", import.meta.url), "utf8")) as Record<string, string>;
  const kinds = PRESETS.map(({ kind }) => kind);
  expect(Object.values(names).sort()).toEqual(expect.arrayContaining(kinds));
  expect([...new Set(Object.values(names))].sort()).toEqual(["openai-compatible", ...kinds].sort());
  for (const kind of kinds) expect(names[kind]).toBe(kind);
});

it("is found by its names in any case, with - or _", async () => {
  expect(providerKindOf("GitHub_Models")).toBe("github-models");
  expect(providerKindOf("qwen")).toBe("dashscope");
  expect(providerKindOf("openai_compatible")).toBe("openai-compatible");
  expect((await loadProvider("groq"))?.kind).toBe("groq");
  expect((await loadProvider("openai-compatible"))?.kind).toBe("openai-compatible");
  expect(loadProvider("qwen")).toBeUndefined();
});

it.each(PRESETS)(
  "$kind has an https base, or one of this machine, and asks for its key there",
  ({ kind, base, key }) => {
    const { protocol, hostname } = new URL(base);
    expect(protocol === "https:" || hostname === "localhost").toBe(true);
    const told = presets[kind]!.check!(settings({ apiKey: "" }), { name: "m", routeType: "llm/v1/chat" });
    expect(told.map(({ path }) => path)).toEqual(key === undefined ? [] : ["api_key"]);
    const elsewhere = settings({ apiKey: "", baseUrl: "http://127.0.0.1:9/v1" });
    expect(presets[kind]!.check!(elsewhere, { name: "m", routeType: "llm/v1/chat" })).toEqual([]);
  },
);

it("gives thoughts back to servers that take them, and to no other", () => {
  const messages = [{ role: "assistant", content: "a", reasoning_content: "hm" }];
  expect(sent("deepseek", { messages })).toMatchObject({ json: { messages }, adjusted: undefined });
  const groq = sent("groq", { messages });
  expect(groq.json["messages"]).toEqual([{ role: "assistant", content: "a" }]);
  expect(groq.adjusted?.dropped).toEqual(["messages[0].reasoning_content"]);
});

it("sends what it does not change byte for byte, with the model's name in place of the route's", () => {
  const text =
    '{"model": "chat", "messages": [{"role":"user","content":"hi"}], "seed": 12345678901234567890, "top_p": 1.0}';
  const plan = planOf([]);
  const body = Body.ofBytes(Buffer.from(text));
  const call = new Call(callOf(plan, false).arrival, plan, body, false);
  const {
    path,
    headers,
    body: bytes,
  } = presets["groq"]!.open(settings(), TOOLS).encode(call, body, "llama") as Outgoing;
  expect(bytes.toString()).toBe(text.replace('"chat"', '"llama"'));
  expect(path).toBe("/openai/v1/chat/completions");
  expect(headers).toEqual([
    "content-type",
    "application/json",
    "accept-encoding",
    "identity",
    "authorization",
    "Bearer key",
  ]);
  expect(call.adjusted).toBeUndefined();
});

it("leaves out what a server lacks, and says so when it asked for something", () => {
  const { json, adjusted } = sent("groq", {
    model: "chat",
    messages: [{ role: "user", content: "hi", name: "Ann" }],
    n: 1,
    logit_bias: { "50256": -100 },
    logprobs: true,
    temperature: 1.5,
    own_thing: 7,
  });
  expect(json).toEqual({
    model: "the-model",
    messages: [{ role: "user", content: "hi" }],
    temperature: 1.5,
    own_thing: 7,
  });
  expect(adjusted?.dropped).toEqual(["logit_bias", "logprobs", "messages[0].name"]);
});

it("gives members the server's names and ranges", () => {
  const { json, adjusted } = sent("moonshot", {
    model: "chat",
    messages: [{ role: "developer", content: "be brief" }],
    max_completion_tokens: 10,
    temperature: 1,
  });
  expect(json).toEqual({
    model: "the-model",
    messages: [{ role: "system", content: "be brief" }],
    max_tokens: 10,
    temperature: 0.5,
  });
  expect(adjusted?.converted).toEqual(["temperature", "messages[0].role"]);
});

it("asks for JSON where a server knows no schemas, and says what was lost", () => {
  const { json, adjusted } = sent("deepseek", {
    model: "chat",
    messages: [{ role: "user", content: "hi" }],
    response_format: { type: "json_schema", json_schema: { name: "a", schema: {} } },
  });
  expect(json["response_format"]).toEqual({ type: "json_object" });
  expect(adjusted?.dropped).toEqual(["response_format.json_schema"]);
});

it("wants an address where there is no preset, and refuses headers that are the gateway's", () => {
  const entry = { name: "m", routeType: "llm/v1/chat" };
  const problems = provider.check!(settings({ headers: { Authorization: "x", "X Y": "z", "x-ok": "1" } }), entry);
  expect(problems.map(({ path }) => path)).toEqual(["base_url", 'headers["Authorization"]', 'headers["X Y"]']);
  expect(provider.check!(settings({ baseUrl: "ftp://x" }), entry).map(({ path }) => path)).toEqual(["base_url"]);
});
