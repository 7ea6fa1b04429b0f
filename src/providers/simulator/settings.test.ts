import { create, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { describe, expect, it } from "vitest";
import { SimulatorSettingsSchema } from "../../../gen/providers/simulator/v1/settings_pb.js";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { openSimulator, toolsOf } from "../../../test/support/simulator.ts";
import { Body } from "../../core/body.ts";
import { provider } from "./index.ts";

const validator = createValidator();
const read = (json: JsonValue) => fromJson(SimulatorSettingsSchema, json);
const fault = (json: { readonly [key: string]: JsonValue }) => ({ faults: [json] });

describe("the simulator's settings", () => {
  it.each([
    {},
    { reply: "Fine.", first_byte_delay: "0.2s", chunk_delay: "0s" },
    fault({ status: 503, retry_after: "2s", rate: 0.5 }),
    fault({ unreachable: true, every: 3 }),
    fault({ cut_at_byte: 0, first: 2 }),
    fault({ stall_after_chunks: 0 }),
  ])("may be %j", (json) => {
    const settings = read(json);
    expect(validator.validate(SimulatorSettingsSchema, settings)).toMatchObject({ kind: "valid" });
    expect(provider.check!(settings, { name: "m", routeType: "llm/v1/chat" })).toEqual([]);
  });

  it.each([
    { first_byte_delay: "-1s" },
    { chunk_delay: "3601s" },
    { faults: Array.from({ length: 17 }, () => ({ stall: true })) },
    fault({}),
    fault({ rate: 0.5 }),
    fault({ status: 200 }),
    fault({ status: 600 }),
    fault({ unreachable: false }),
    fault({ stall: false }),
    fault({ malformed_chunk: 0 }),
    fault({ error_chunk: 0 }),
    fault({ stall: true, rate: 0 }),
    fault({ stall: true, rate: 1.1 }),
    fault({ stall: true, every: 0 }),
    fault({ stall: true, first: 0 }),
  ])("may not be %j", (json) => {
    expect(validator.validate(SimulatorSettingsSchema, read(json))).toMatchObject({ kind: "invalid" });
  });

  it("say when to come back only with a status", () => {
    const settings = read({
      faults: [
        { status: 429, retry_after: "1s" },
        { stall: true, retry_after: "1s" },
      ],
    });
    expect(provider.check!(settings, { name: "m", routeType: "llm/v1/chat" })).toEqual([
      { path: "faults[1].retry_after", message: "only goes with status; remove it" },
    ]);
  });
});

describe("the simulator's upstream", () => {
  const upstream = openSimulator({}, toolsOf());

  it("answers within the process, in OpenAI's words and MLflow's", () => {
    expect(upstream.origin).toBeUndefined();
    expect(upstream.speaks).toEqual({
      chat: "openai",
      completions: "openai",
      embeddings: "openai",
      predictions: "scoring",
    });
    expect(create(SimulatorSettingsSchema)).toMatchObject({ reply: "", faults: [] });
  });

  it.each([
    ["chat", "/v1/chat/completions"],
    ["completions", "/v1/completions"],
    ["embeddings", "/v1/embeddings"],
  ] as const)("sends %s to OpenAI's path, with the target's model and the rest as it came", async (op, path) => {
    const body = Body.ofBytes(Buffer.from('{"model":"route", "x" : 1.0}'));
    const outgoing = await upstream.encode(callOf(planOf([], { op }), false), body, "sim");
    expect({ ...outgoing, body: String(outgoing.body) }).toEqual({
      path,
      headers: ["content-type", "application/json"],
      body: '{"model":"sim", "x" : 1.0}',
    });
  });

  it("reads usage and errors as OpenAI's", () => {
    expect(upstream.usage({ usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })).toEqual({
      promptTokens: 3,
      completionTokens: 4,
      totalTokens: 7,
    });
    expect(upstream.fault(401, {}, Buffer.from("{}")).fault).toMatchObject({ reason: "UPSTREAM_CREDENTIALS" });
    expect(upstream.fault(400, {}, Buffer.from('{"error":{"message":"n is bad","param":"n"}}'))).toMatchObject({
      message: "n is bad",
      fault: { reason: "UPSTREAM_REJECTED", param: "n" },
    });
  });
});
