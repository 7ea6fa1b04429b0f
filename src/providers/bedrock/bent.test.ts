/** Whatever comes, from a caller or from Bedrock, is taken or refused in the gateway's words, and never a defect. */
import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { BedrockSettingsSchema } from "../../../gen/providers/bedrock/v1/settings_pb.js";
import { bent, chance, survives } from "../../../test/support/bent.ts";
import { fakeClock } from "../../../test/support/clock.ts";
import { chunkFrame, eventFrame } from "../../../test/support/event-stream.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { wires } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { Call, type Operation } from "../../core/call.ts";
import { type Json, type JsonObject, textIn } from "../../core/json.ts";
import { EventStreamDecoder } from "./event-stream.ts";
import { provider } from "./index.ts";

const upstream = provider.open(
  create(BedrockSettingsSchema, { awsConfig: { awsRegion: "us-east-1", awsBearerToken: "t" } }),
  { clock: fakeClock(), wallNow: () => 0, random: () => 0 },
);
const file = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));

function callFor(op: Operation, model: string, json: JsonObject, stream = false): Call {
  const plan = planOf([{ ...targetOf(wires().exchange, 0, upstream), model }], { op });
  const call = new Call(callOf(plan, stream).arrival, plan, Body.ofJson(json), stream);
  call.target = plan.targets[0];
  return call;
}

const PNG = { url: "data:image/png;base64,iVBORw0KGgo=" };
const MODEL = "anthropic.claude-sonnet-4-6";
const CHAT: JsonObject = {
  messages: [
    { role: "system", content: [{ type: "text", text: "A", cache_control: { type: "ephemeral", ttl: "1h" } }] },
    {
      role: "user",
      content: [
        { type: "image_url", image_url: PNG },
        { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } },
        { type: "input_audio", input_audio: { data: "AA==", format: "wav" } },
        { type: "video_url", video_url: { url: "s3://bucket/a.mp4" } },
        { type: "guardContent", guardContent: { text: { text: "x" } } },
      ],
    },
    {
      role: "assistant",
      content: "I look.",
      refusal: "No.",
      reasoning: "Hm.",
      reasoning_details: [
        { type: "reasoning.text", format: "bedrock", model: MODEL, index: 0, text: "H" },
        { type: "reasoning.text", format: "bedrock", model: MODEL, index: 0, text: "m.", signature: "s" },
        { type: "reasoning.encrypted", format: "bedrock", model: MODEL, index: 1, data: "AA==" },
      ],
      tool_calls: [{ id: "c", type: "function", function: { name: "look", arguments: '{"a":1}' } }],
    },
    { role: "tool", tool_call_id: "c", content: [{ type: "image_url", image_url: PNG }], is_error: true },
  ],
  tools: [{ type: "function", function: { name: "look", description: "d", parameters: { type: "object" } } }],
  tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [{ function: { name: "look" } }] } },
  parallel_tool_calls: false,
  response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" }, strict: true } },
  reasoning_effort: "low",
  thinking: { type: "enabled", budget_tokens: 1024 },
  stop: ["a"],
  temperature: 1,
  max_tokens: 2000,
  metadata: { a: "b" },
  service_tier: "flex",
  inferenceConfig: { maxTokens: 5 },
};

const REQUESTS: readonly (readonly [Operation, readonly string[], JsonObject])[] = [
  ["chat", [MODEL, "anthropic.claude-3-7-sonnet-20250219-v1:0", "amazon.nova-2-lite-v1:0", "m"], CHAT],
  [
    "completions",
    [
      "amazon.titan-text-lite-v1",
      "anthropic.claude-v2",
      "ai21.j2-mid",
      "cohere.command-text-v14",
      "amazon.nova-lite-v1:0",
    ],
    { prompt: "hi", max_tokens: 5, temperature: 1, top_p: 0.5, stop: ["a"], n: 1, logprobs: 1, echo: true },
  ],
  [
    "embeddings",
    ["amazon.titan-embed-text-v2:0", "amazon.nova-2-multimodal-embeddings-v1:0", "cohere.embed-v4:0"],
    { input: ["hi"], dimensions: 256, encoding_format: "float", input_type: "search_query" },
  ],
];

it("a request that is bent anywhere is sent or refused", () => {
  const random = chance(1);
  for (const [op, models, whole] of REQUESTS) {
    for (let times = 0; times < 1500; times++) {
      const json = bent(whole, random) as JsonObject;
      for (const model of models) {
        const call = callFor(op, model, json);
        survives(() => void upstream.encode(call, call.body, model), json);
      }
    }
  }
});

const REPLIES: readonly (readonly [Operation, string, readonly string[]])[] = [
  [
    "chat",
    MODEL,
    ["chat-tools.json", "chat-reasoning.json", "chat-guardrail.json", "chat-stop.json", "chat-cache.json"],
  ],
  ["completions", "amazon.nova-lite-v1:0", ["chat.json"]],
  ["completions", "amazon.titan-text-lite-v1", ["titan.json"]],
  ["completions", "anthropic.claude-v2", ["claude-v2.json"]],
  ["completions", "ai21.j2-mid", ["jurassic.json"]],
  ["completions", "cohere.command-text-v14", ["command.json"]],
  ["embeddings", "amazon.titan-embed-text-v2:0", ["titan-embed.json"]],
  ["embeddings", "cohere.embed-v4:0", ["cohere-embed.json", "cohere-embed-v4.json"]],
  ["embeddings", "amazon.nova-2-multimodal-embeddings-v1:0", ["nova-embed.json"]],
];

it("an answer that is bent anywhere is an answer, or a failure of the provider's", () => {
  const random = chance(2);
  for (const [op, model, names] of REPLIES) {
    for (const name of names) {
      const whole = JSON.parse(file(name).toString()) as JsonObject;
      for (let times = 0; times < 400; times++) {
        const json = bent(whole, random) as JsonObject;
        survives(() => void upstream.reads![op]!.reply(callFor(op, model, {}), json), json);
      }
    }
  }
});

/** The events of a fixture. */
function eventsOf(name: string): [type: string, json: JsonObject][] {
  const events: [string, JsonObject][] = [];
  const decoder = new EventStreamDecoder(
    { onBad: (why) => expect.fail(why) },
    { event: (type, json) => events.push([type, json]), exception: () => expect.fail("an exception") },
  );
  decoder.push(file(name));
  return events;
}

it("a stream that is bent anywhere is told, or fails as the provider's", () => {
  const random = chance(3);
  const on = { onEvent() {}, onWhole() {}, onDone() {}, onBad() {}, onFault() {} };
  for (const name of ["chat-tools", "chat-reasoning", "chat-stop", "chat-cache", "chat-guardrail"]) {
    const whole = eventsOf(`${name}.eventstream`);
    for (let times = 0; times < 300; times++) {
      const events = whole.map(([type, json]) =>
        random() < 0.3 ? ([type, bent(json, random)] as const) : ([type, json] as const),
      );
      const decoder = upstream.reads!["chat"]!.stream!(callFor("chat", MODEL, {}, true), on);
      survives(
        () => {
          for (const [type, json] of events) decoder.push(eventFrame(type, json));
          decoder.finish();
        },
        events as unknown as Json,
      );
    }
  }
  for (const [name, model] of [
    ["titan", "amazon.titan-text-lite-v1"],
    ["claude-v2", "anthropic.claude-v2"],
    ["command", "cohere.command-text-v14"],
  ] as const) {
    const whole = eventsOf(`${name}.eventstream`).map(
      ([, json]) => JSON.parse(Buffer.from(textIn(json["bytes"]), "base64").toString()) as JsonObject,
    );
    for (let times = 0; times < 300; times++) {
      const events = bent(whole, random) as JsonObject[];
      const decoder = upstream.reads!["completions"]!.stream!(callFor("completions", model, {}, true), on);
      survives(() => {
        for (const json of events) decoder.push(chunkFrame(json ?? null));
      }, events);
    }
  }
});
