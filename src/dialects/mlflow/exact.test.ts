import { expect, it } from "vitest";
import { Body } from "../../core/body.ts";
import { exactJson } from "./exact.ts";

const written = (text: string) => JSON.stringify(exactJson(Body.ofReply(Buffer.from(text))));

it.each([
  "12345678901234567890",
  "-9007199254740993",
  "1.10",
  "0.0",
  "0.1000000000000000055511151231257827",
  "1e400",
  "2.50e1000",
])("writes the number %s as it came, wherever it stands", (number) => {
  for (const text of [`{"a":${number}}`, `{"a":[1,${number},{"b":${number}}]}`]) expect(written(text)).toBe(text);
  expect(written(`{ "a" : ${number} }`)).toBe(`{"a":${number}}`);
});

it("leaves strings alone, whatever they look like, and other numbers as JavaScript writes them", () => {
  for (const text of ['{"a":"x,12345678901234567890,1.10"}', '{"a":0.0023064240813255314,"b":1700000000}'])
    expect(written(text)).toBe(text);
  expect(written('{"a":1e2}')).toBe('{"a":100}');
});

it("parses a second time only where there is such a number", () => {
  const body = Body.ofReply(Buffer.from('{"a":0.25,"b":"word"}'));
  expect(exactJson(body)).toBe(body.json);
});
