/** Gemini's dialect both ways, as tests use it: calls of a model, and the provider's recorded answers. */
import { readFileSync } from "node:fs";
import { Body } from "../../src/core/body.ts";
import { type Arrival, Call } from "../../src/core/call.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { StreamListener } from "../../src/core/sse.ts";
import { chatFrom } from "../../src/dialects/gemini/reply-in.ts";
import { generateContent } from "../../src/dialects/gemini/request-out.ts";
import { chatStream } from "../../src/dialects/gemini/stream-in.ts";
import { callOf, planOf, targetOf } from "./plan.ts";

/** A call of a route with this one model; `json` is in the common shape. */
export function geminiCall(json: JsonObject, model = "gemini-2.5-flash", arrival: Partial<Arrival> = {}): Call {
  const target = { ...targetOf(() => ({ pause() {}, resume() {}, abort() {} })), model };
  const plan = planOf([target]);
  const call = new Call(callOf(plan, false, arrival).arrival, plan, Body.ofJson(json), false);
  call.target = target;
  return call;
}

/** What reaches Google, and what was told of it. */
export function toGoogle(json: JsonObject, model = "gemini-2.5-flash", arrival: Partial<Arrival> = {}) {
  const call = geminiCall(json, model, arrival);
  const request = generateContent(call, model);
  const { dropped = [], converted = [], defaulted = [] } = call.adjusted ?? {};
  return { request, told: { dropped, converted, defaulted } };
}

/** A file of `src/providers/gemini/fixtures`. */
export const recorded = (name: string): Buffer =>
  readFileSync(new URL(`../../src/providers/gemini/fixtures/${name}`, import.meta.url));

/** A recorded whole answer, in Google's words. */
export const said = (name: string): JsonObject => JSON.parse(recorded(`${name}.json`).toString()) as JsonObject;

/** A reply of Google's in the common shape. */
export const fromGoogle = (reply: JsonObject, model = "gemini-2.5-flash"): JsonObject =>
  chatFrom(geminiCall({ messages: [] }, model), reply, 1_700_000_000);

/** The events of a stream of Google's in the common shape. */
export function eventsFromGoogle(bytes: Buffer, model = "gemini-2.5-flash"): JsonObject[] {
  const events: JsonObject[] = [];
  const listener: StreamListener = {
    onEvent: (json) => events.push(json),
    onWhole() {},
    onDone() {},
    onBad(why) {
      throw new Error(why);
    },
    onFault(error) {
      throw error;
    },
  };
  const stream = chatStream(geminiCall({ messages: [] }, model), listener, 1_700_000_000);
  stream.push(bytes);
  stream.finish();
  return events;
}
