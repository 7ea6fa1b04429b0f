import { BadRequestError } from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { events, fixture, json, sse } from "../support/canned.ts";
import { type FakeUpstream, fakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { openaiNode } from "./ways.ts";

let upstream: FakeUpstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await fakeUpstream();
  gateway = await startGateway(`
routes:
  - name: chat
    route_type: llm/v1/chat
    model: {provider: openai, name: gpt-4o-mini, config: {openai_api_key: sk-test, base_url: ${upstream.url}/v1}}
  - name: simulated
    route_type: llm/v1/chat
    model: {provider: simulator, name: any}
`);
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.close();
});

const tools = [{ type: "function" as const, name: "book_table", parameters: { type: "object" }, strict: false }];

it("answers OpenAI's SDK in the form of a response", async () => {
  const response = await openaiNode(gateway).responses.create({
    model: "chat",
    input: "hi",
    instructions: "Be brief.",
  });
  expect(response.status).toBe("completed");
  expect(response.output_text).toContain("東京");
  expect(response.usage).toMatchObject({ input_tokens: 31, output_tokens: 12, total_tokens: 43 });
  const sent = upstream.exchanges.at(-1)!.json as { messages: unknown; model: string };
  expect(sent.model).toBe("gpt-4o-mini");
  expect(sent.messages).toEqual([
    { role: "system", content: "Be brief." },
    { role: "user", content: "hi" },
  ]);
});

it("streams to the SDK what it answers whole, and the SDK puts it together", async () => {
  const sdk = openaiNode(gateway);
  const stream = sdk.responses.stream({ model: "chat", input: "hi" });
  let text = "";
  stream.on("response.output_text.delta", ({ delta }) => {
    text += delta;
  });
  const final = await stream.finalResponse();
  const whole = await sdk.responses.create({ model: "chat", input: "hi" });
  expect(text).toBe(whole.output_text);
  expect(final.output).toEqual(whole.output.map((item) => expect.objectContaining({ type: item.type }) as unknown));
  expect(final.usage).toEqual(whole.usage);
});

it("calls tools, and takes what they answered", async () => {
  const sdk = openaiNode(gateway);
  const asked = await sdk.responses.create(
    { model: "chat", input: "Book.", tools },
    { headers: { "x-test": "tools" } },
  );
  expect(asked.status).toBe("completed");
  upstream.next(json(fixture("chat-tools.json")));
  const called = await sdk.responses.create({ model: "chat", input: "Book.", tools });
  const calls = called.output.filter((item) => item.type === "function_call");
  expect(calls.map(({ name, call_id }) => [name, call_id])).toEqual([
    ["book_table", "call_9hY2"],
    ["book_table", "call_9hY3"],
  ]);
  const outputs = calls.map(({ call_id }) => ({ type: "function_call_output" as const, call_id, output: "done" }));
  await sdk.responses.create({
    model: "chat",
    tools,
    input: [{ role: "user", content: "Book." }, ...calls, ...outputs],
  });
  const sent = upstream.exchanges.at(-1)!.json as { messages: { role: string; tool_calls?: { id: string }[] }[] };
  expect(sent.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool"]);
  expect(sent.messages[1]!.tool_calls!.map(({ id }) => id)).toEqual(["call_9hY2", "call_9hY3"]);
});

it("tells of a stream that broke as failed, after what came before", async () => {
  const all = events(fixture("chat.sse"));
  upstream.next({ ...sse(""), body: all.slice(0, 3), ending: "reset" });
  const body = JSON.stringify({ model: "chat", input: "hi", stream: true });
  const headers = { "content-type": "application/json" };
  const text = await (await fetch(`${gateway.url}/v1/responses`, { method: "POST", headers, body })).text();
  const types = [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
  expect(types).toContain("response.output_text.delta");
  expect(types.slice(-2)).toEqual(["error", "response.failed"]);

  upstream.next({ ...sse(""), body: all.slice(0, 3), ending: "reset" });
  const reading = (async () => {
    for await (const _ of await openaiNode(gateway).responses.create({ model: "chat", input: "hi", stream: true }));
  })();
  await expect(reading).rejects.toThrow("broke off");
});

it("refuses what would need a store, and says so", async () => {
  const refused = openaiNode(gateway).responses.create({ model: "chat", input: "hi", previous_response_id: "resp_1" });
  await expect(refused).rejects.toBeInstanceOf(BadRequestError);
  await expect(refused).rejects.toMatchObject({ param: "previous_response_id" });
  const response = await fetch(`${gateway.url}/v1/responses/resp_1`);
  expect(response.status).toBe(501);
});

it("answers from the simulator, too, and says what it dropped", async () => {
  const { response, data } = await openaiNode(gateway)
    .responses.create({ model: "simulated", input: "hi", tools: [{ type: "web_search" }], store: true })
    .withResponse();
  expect(data.output_text).not.toBe("");
  expect(response.headers.get("x-polygate-dropped")).toBe("store, tools[0]");
});
