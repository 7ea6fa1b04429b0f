import { expect, it } from "vitest";
import { openAIFault } from "../../openai/fault.ts";
import { CRASH, eraFault } from "./faults.ts";

const KEY = "very-own-key-of-the-gateway";
const told = (status: number, type: string | undefined, body: string, provider = "openai") => {
  const fault = openAIFault(provider, status, { "content-type": type }, Buffer.from(body), [KEY]);
  return eraFault(fault, { era: "2.22", provider, op: "chat" });
};
const JSON_TYPE = "application/json; charset=utf-8";

it.each([
  [
    "its own words and status",
    401,
    JSON_TYPE,
    '{"error":{"message":"Wrong key."}}',
    { http: 401, detail: "Wrong key." },
  ],
  ["all of its JSON where it has no error", 422, JSON_TYPE, '{"message":"m"}', { http: 422, detail: { message: "m" } }],
  ["its text", 500, "text/plain", "blew up", { http: 500, detail: { message: "blew up" } }],
  ["that a mere text as the error breaks MLflow", 400, JSON_TYPE, '{"error":"text"}', CRASH],
  [
    "the type that it cannot read",
    503,
    "text/html",
    "<html>",
    {
      http: 502,
      detail: "The returned data type from the route service is not supported. Received content type: text/html",
    },
  ],
])("tells of a provider's failure %s", (_, status, type, body, want) => {
  expect(told(status, type, body)).toEqual(want);
});

it.each([
  [JSON_TYPE, `{"error":{"message":"The key ${KEY} is wrong."}}`],
  [JSON_TYPE, `{"message":"m","sent":{"authorization":"Bearer ${KEY}"}}`],
  ["text/plain", `no: ${KEY}`],
])("never tells the gateway's key: %s %s", (type, body) => {
  const detail = JSON.stringify(told(401, type, body));
  expect(detail).toContain("***");
  expect(detail).not.toContain(KEY);
});

it("has nothing to say of a failure that is no provider's answer", () => {
  const fault = openAIFault("openai", 500, {}, Buffer.from(""));
  const { said: _, ...own } = fault.fault;
  expect(eraFault(Object.assign(fault, { fault: own }), { era: "2.22" })).toBeUndefined();
});
