/** Providers that give their answers no id, before callers of OpenAI's paths, whose types have one always. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { json, sse } from "../support/canned.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Here, startHere } from "../toughness/here.ts";

const ANSWER = {
  candidates: [{ content: { role: "model", parts: [{ text: "Hi" }] }, finishReason: "STOP" }],
  usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
};

let upstream: FakeUpstream;
let here: Here;
beforeAll(async () => {
  upstream = await fakeUpstream();
  upstream.always(({ url }) => (url.includes(":stream") ? sse(`data: ${JSON.stringify(ANSWER)}\n\n`) : json(ANSWER)));
  const model = `{provider: gemini, name: gemini-2.5-flash, config: {gemini_api_key: none, base_url: ${upstream.url}}}`;
  here = await startHere(`
routes:
  - {name: chat, route_type: llm/v1/chat, model: ${model}}
  - {name: completions, route_type: llm/v1/completions, model: ${model}}
`);
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await upstream.close();
});

const ask = async (path: string, body: object) => {
  const headers = { "content-type": "application/json", "x-request-id": "r-1" };
  const answer = await fetch(`${here.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return (await answer.text()).match(/"id":("[^"]*"|null)/g);
};
const chat = { model: "chat", messages: [{ role: "user", content: "Hello" }] };

it("have the request's id in it, whole and in every event", async () => {
  expect(await ask("/v1/chat/completions", chat)).toEqual(['"id":"chatcmpl-r-1"']);
  const events = await ask("/v1/chat/completions", { ...chat, stream: true });
  expect(events!.length).toBeGreaterThan(1);
  expect(new Set(events)).toEqual(new Set(['"id":"chatcmpl-r-1"']));
  expect(await ask("/v1/completions", { model: "completions", prompt: "Hello" })).toEqual(['"id":"cmpl-r-1"']);
});

it.each([[""], [undefined]])("have it where the provider's is empty, too: %j", async (responseId) => {
  upstream.next(json({ ...ANSWER, responseId }));
  expect(await ask("/v1/chat/completions", chat)).toEqual(['"id":"chatcmpl-r-1"']);
});

it("stay without one on MLflow's paths, as MLflow has it", async () => {
  expect(await ask("/gateway/chat/invocations", { messages: chat.messages })).toEqual(['"id":null']);
});
