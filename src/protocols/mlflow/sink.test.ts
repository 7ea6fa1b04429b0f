import { expect, it } from "vitest";
import { exchange } from "../../../test/support/exchange.ts";
import { callOf, planOf } from "../../../test/support/plan.ts";
import { Body } from "../../core/body.ts";
import { speechOf } from "../../dialects/mlflow/speech.ts";
import { MlflowSink } from "./sink.ts";

const MODERN = speechOf(undefined, "chat", []);
const LEGACY = speechOf(undefined, "chat", ["candidate_count"]);
const reply = (id: string) => Buffer.from(`{"id":"${id}","choices":[]}`);

it("answers with the reply that it is given, whatever other one it took before", () => {
  const sent: string[] = [];
  const inbound = exchange({ send: (_status, _headers, body) => void sent.push(body.toString()) });
  const sink = new MlflowSink(inbound, "chat", MODERN);
  const call = callOf(planOf([]), false);
  const second = reply("2");
  const members = [
    { key: "id", start: 6, end: 9 },
    { key: "choices", start: 20, end: 22 },
  ];
  expect([sink.takes(reply("1"), call), sink.takes(second, call)]).toEqual([members, members]);
  sink.reply(call, Body.ofReply(second));
  sink.reply(call, Body.ofReply(reply("3")));
  sink.reply(call, Body.ofJson({ id: "4", choices: [] }));
  expect(sent.map((text) => (JSON.parse(text) as { id: string }).id)).toEqual(["2", "3", "4"]);
});

it("takes no reply that it would have to parse", () => {
  const call = callOf(planOf([]), false);
  expect(new MlflowSink(exchange(), "chat", LEGACY).takes(reply("1"), call)).toBeUndefined();
  expect(new MlflowSink(exchange(), "chat", MODERN).takes(Buffer.from('{"choices":[{]}'), call)).toBeUndefined();
});
