import { expect, it } from "vitest";
import { callOf, planOf } from "../../../test/support/plan.ts";
import type { JsonObject } from "../../core/json.ts";
import { chatFrom } from "./reply-in.ts";

it.each([
  ["the request's id", `${"x".repeat(100)}-1`, {}],
  ["Google's own", "r", { responseId: "y".repeat(60) }],
])("a call without an id gets one of at most 40 characters, as OpenAI demands: by %s", (_, id, more) => {
  const parts = [{ functionCall: { name: "f", args: {} } }, { functionCall: { name: "g", args: {} } }];
  const json = { candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }], ...more };
  const reply = chatFrom(callOf(planOf([]), false, { id }), json, 0);
  const { message } = (reply["choices"] as JsonObject[])[0] as { message: { tool_calls: { id: string }[] } };
  const ids = message.tool_calls.map((one) => one.id);
  expect(new Set(ids).size).toBe(2);
  for (const one of ids) expect(one.length).toBeLessThanOrEqual(40);
});
