import { expect, it } from "vitest";
import { Redactor } from "./redact.ts";

const clean = (text: string, most = 200) => new Redactor().clean(text, most);

it.each([
  ["Incorrect API key provided: sk-proj-abcDEF0123456789", "Incorrect API key provided: ***"],
  ["Authorization: Bearer abc.def-123=", "Authorization: Bearer ***"],
  ["authorization: basic dXNlcjpwYXNz", "authorization: basic ***"],
  ["/v1/models?alt=sse&key=AIzaSyA0123456789", "/v1/models?alt=sse&key=***"],
  [`{"api_key": "short1", "n": 1}`, `{"api_key": "***", "n": 1}`],
  ["connect to http://ann:hunter2@proxy.example:80", "connect to http://***@proxy.example:80"],
  ["token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl expired", "token *** expired"],
  ["AIzaSyA0123456789abc and gsk_0123456789ab", "*** and ***"],
  ["the token ya29.a0AfH6SMBx-0123456789_ab was refused", "the token *** was refused"],
])("masks what looks like a secret in %j", (text, want) => {
  expect(clean(text)).toBe(want);
});

it.each([
  "The provider openai failed with status 502.",
  "other side closed: read ECONNRESET 127.0.0.1:443",
  "/v1/chat/completions",
  "OpenAI/Python 1.40.0 (task-force; skeleton)",
])("leaves %j as it is", (text) => {
  expect(clean(text)).toBe(text);
});

it("masks registered values wherever they stand, percent-encoded too, the longest first", () => {
  const redactor = new Redactor();
  redactor.redactValues(["hunter2/hunter2", "hunter2/hunter2-long", "short"]);
  expect(redactor.clean("a hunter2/hunter2-long b hunter2%2Fhunter2 c short", 200)).toBe("a *** b *** c short");
});

it("masks the values of the config before, and forgets those before that", () => {
  const redactor = new Redactor();
  redactor.redactValues(["old-secret"]);
  expect(redactor.jsonOften("/old-secret", 200)).toBe('"/***"');
  redactor.redactValues(["new-secret"]);
  expect(redactor.jsonOften("/old-secret", 200)).toBe('"/***"');
  redactor.redactValues(["new-secret"]);
  expect(redactor.jsonOften("/old-secret", 200)).toBe('"/old-secret"');
  expect(redactor.jsonOften("/new-secret", 200)).toBe('"/***"');
});

it("masks a secret that straddles the end of what is kept", () => {
  const redactor = new Redactor();
  redactor.redactValues(["canary-canary-canary"]);
  expect(redactor.clean(`${"x".repeat(15)} canary-canary-canary`, 25)).toBe(`${"x".repeat(15)} ***`);
});

it("cuts a long text and says so", () => {
  expect(clean("x".repeat(1_000_000), 10)).toBe("xxxxxxx...");
});

it("shows line ends, terminal commands, reading directions and torn characters as question marks", () => {
  const forged = 'a\r\n{"level":"info"}\u001b[31m\u009b\u2028\u202e\u200f\ufeff\ud800';
  expect(clean(forged)).toBe('a??{"level":"info"}?[31m??????');
});
