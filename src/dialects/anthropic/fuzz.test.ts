import { expect, it } from "vitest";
import { file, streamedEvents } from "../../../test/support/anthropic.ts";
import { chance, survives } from "../../../test/support/bent.ts";
import { callOf, planOf, targetOf } from "../../../test/support/plan.ts";
import { wires } from "../../../test/support/sink.ts";
import { Body } from "../../core/body.ts";
import { Call, type Dialect } from "../../core/call.ts";
import { GatewayError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { withoutForeign } from "../openai/foreign.ts";
import { Taken } from "../openai/take.ts";
import { replyIn } from "./reply-in.ts";
import { replyOut } from "./reply-out.ts";
import { requestIn } from "./request-in.ts";
import { requestOut } from "./request-out.ts";
import { streamIn } from "./stream-in.ts";
import { StreamOut } from "./stream-out.ts";

const ODD: readonly Json[] = [
  null,
  0,
  -1,
  "",
  "text",
  "tool_use",
  true,
  [],
  {},
  [null],
  [{}],
  { type: null },
  { type: "text" },
  { type: "image" },
  "pg1.W10",
];

/** The value with one of its members, at any depth, replaced by something odd or gone. */
function bent(value: Json, random: () => number): Json {
  const copy = structuredClone(value);
  const places: [holder: JsonObject | Json[], key: string][] = [];
  const walk = (at: Json) => {
    if (typeof at !== "object" || at === null) return;
    for (const key of Object.keys(at)) {
      places.push([at as JsonObject, key]);
      walk((at as JsonObject)[key] as Json);
    }
  };
  walk(copy);
  for (let times = 1 + Math.floor(random() * 2); times > 0; times--) {
    const [holder, key] = places[Math.floor(random() * places.length)]!;
    if (random() < 0.15) delete (holder as JsonObject)[key];
    else (holder as JsonObject)[key] = structuredClone(ODD[Math.floor(random() * ODD.length)]!);
  }
  return copy;
}

const png = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
const REQUEST: JsonObject = {
  max_tokens: 4000,
  system: [{ type: "text", text: "A", cache_control: { type: "ephemeral" } }],
  messages: [
    {
      role: "user",
      content: [
        { type: "image", source: png },
        { type: "document", source: { type: "text", media_type: "text/plain", data: "x" }, title: "t" },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm", signature: "S" },
        { type: "redacted_thinking", data: "D" },
        { type: "text", text: "a", citations: [{ type: "char_location" }] },
        { type: "tool_use", id: "t", name: "n", input: { a: 1 } },
        { type: "text", text: "b" },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "t",
          content: [
            { type: "text", text: "r" },
            { type: "image", source: png },
          ],
          is_error: true,
        },
      ],
    },
    { role: "system", content: "Well" },
    { role: "user", content: "u" },
  ],
  tools: [
    { name: "n", description: "d", input_schema: { type: "object", properties: { a: { type: "string" } } } },
    { type: "bash_20250124", name: "bash" },
  ],
  tool_choice: { type: "tool", name: "n", disable_parallel_tool_use: true },
  thinking: { type: "enabled", budget_tokens: 1024 },
  output_config: {
    effort: "low",
    format: { type: "json_schema", schema: { type: "object", properties: { a: { type: "object" } } } },
  },
  metadata: { user_id: "u", more: 1 },
  stop_sequences: ["x"],
  temperature: 1,
  service_tier: "auto",
};

function callFor(json: JsonObject, dialect: Dialect): Call {
  const plan = planOf([{ ...targetOf(wires().exchange), model: "claude-sonnet-4-5" }]);
  const call = new Call(callOf(plan, false, { dialect }).arrival, plan, Body.ofJson(json), false);
  call.target = plan.targets[0];
  return call;
}

const TIMES = 3000;

it("a request that is bent anywhere is refused or sent, to Anthropic and to OpenAI", () => {
  const random = chance(1);
  for (let i = 0; i < TIMES; i++) {
    const asked = bent(REQUEST, random) as JsonObject;
    survives(() => {
      const common = requestIn(asked);
      for (const dialect of ["anthropic", "openai"] as const) {
        const call = callFor(common, dialect);
        requestOut(call, new Taken(call), "claude-sonnet-4-5", { defaultMaxTokens: 1 });
      }
      const call = callFor(common, "anthropic");
      withoutForeign(call, call.body);
    }, asked);
    const common = bent(requestIn(REQUEST), random) as JsonObject;
    survives(() => {
      for (const model of ["claude-sonnet-4-5", "claude-opus-5"]) {
        const call = callFor(common, "openai");
        requestOut(call, new Taken(call), model, { defaultMaxTokens: 1 });
      }
    }, common);
  }
});

const NAMES = ["chat-tools", "chat-thinking", "chat-search", "chat-refusal"];

it("an answer that is bent anywhere is an answer or a failure of the provider's", () => {
  const random = chance(2);
  const call = callFor({}, "anthropic");
  for (const name of NAMES) {
    const reply = JSON.parse(file(`${name}.json`).toString()) as JsonObject;
    for (let i = 0; i < TIMES / 4; i++) {
      const json = bent(reply, random) as JsonObject;
      survives(() => void replyOut(replyIn(call, json, 1), "r"), json);
      const common = bent(replyIn(call, reply, 1), random) as JsonObject;
      survives(() => void replyOut(common, "r"), common);
    }
  }
});

it("a stream that is bent anywhere is told or fails as the provider's", () => {
  const random = chance(3);
  const call = callFor({}, "anthropic");
  for (const name of NAMES) {
    const text = file(`${name}.sse`).toString();
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as JsonObject);
    const told = streamedEvents(call, Buffer.from(text));
    for (let i = 0; i < TIMES / 4; i++) {
      const bentEvents = bent(events, random) as JsonObject[];
      const out = new StreamOut("r");
      const on = {
        onEvent: (json: JsonObject) => void out.event(json),
        onWhole() {},
        onDone() {},
        onBad() {},
        onFault() {},
      };
      const fault = () => new GatewayError("x", { reason: "UPSTREAM_FAILED" });
      const each = streamIn(call, on, { created: 1, fault });
      survives(() => {
        for (const event of bentEvents)
          if (typeof event === "object" && event !== null && !Array.isArray(event)) each(event, "");
        out.end();
      }, bentEvents);
      const bentTold = bent(told, random) as JsonObject[];
      survives(() => {
        const again = new StreamOut("r");
        for (const event of bentTold)
          if (typeof event === "object" && event !== null && !Array.isArray(event)) again.event(event);
        expect(again.end()).toMatch(/message_stop/);
      }, bentTold);
    }
  }
});
