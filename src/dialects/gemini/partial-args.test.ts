import { expect, it } from "vitest";
import { eventsFromGoogle } from "../../../test/support/gemini.ts";
import type { JsonObject } from "../../core/json.ts";
import { joined } from "./candidate.ts";
import { PartialArgs } from "./partial-args.ts";

it("puts pieces of arguments in their places, and texts together", () => {
  const args = new PartialArgs();
  args.add([{ jsonPath: "$.city", stringValue: "New ", willContinue: true }]);
  args.add([{ jsonPath: "$.city", stringValue: "York" }]);
  args.add([
    { jsonPath: "$.days[0].n", numberValue: 1 },
    { jsonPath: "$.days[0]['is warm']", boolValue: true },
    { jsonPath: "$.days[1]", nullValue: "NULL_VALUE" },
  ]);
  args.add([
    { jsonPath: "$.days[999999]", numberValue: 1 },
    { jsonPath: "$.__proto__.x", numberValue: 1 },
  ]);
  expect(args.args["city"]).toBe("New York");
  expect(args.args["days"]).toEqual([{ n: 1, "is warm": true }, null]);
  expect(Object.getPrototypeOf(args.args)).toBe(Object.prototype);
  expect(({} as { x?: number }).x).toBeUndefined();
});

it.each<[string, JsonObject[]]>([
  ["ends with an empty piece", [{}]],
  ["does not say that it ended", []],
])("makes one call of a call that is streamed in pieces and %s", (_name, ends) => {
  const call = (functionCall: JsonObject) => ({
    candidates: [{ content: { role: "model", parts: [{ functionCall }] } }],
  });
  const replies = [
    call({ id: "a", name: "f", willContinue: true }),
    call({ partialArgs: [{ jsonPath: "$.x", stringValue: "1", willContinue: true }], willContinue: true }),
    call({ partialArgs: [{ jsonPath: "$.x", stringValue: "2" }], willContinue: true }),
    ...ends.map(call),
    call({ id: "b", name: "g", args: { y: 1 } }),
    { candidates: [{ finishReason: "STOP" }] },
  ];
  const bytes = Buffer.from(replies.map((reply) => `data: ${JSON.stringify(reply)}\n\n`).join(""));
  const events = eventsFromGoogle(bytes);
  const deltas = events.flatMap(({ choices }) => (choices as { delta: JsonObject }[]).map(({ delta }) => delta));
  expect(joined(deltas)["tool_calls"]).toEqual([
    { id: "a", type: "function", function: { name: "f", arguments: '{"x":"12"}' } },
    { id: "b", type: "function", function: { name: "g", arguments: '{"y":1}' } },
  ]);
  expect(events.at(-1)).toMatchObject({ choices: [{ finish_reason: "tool_calls" }] });
});
