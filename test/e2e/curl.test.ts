import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gateway } from "../support/gateway.ts";
import { expectSame, question, reference, startSimulator, streamedOf, type Told, toldOf } from "./question.ts";
import { clientSuite, run } from "./tools.ts";

const JSON_BODY = ["--header", "content-type: application/json", "--data-binary", "@-"];

clientSuite("curl", "curl", (curl) => {
  let gateway: Gateway;
  let want: Told;

  beforeAll(async () => {
    gateway = await startSimulator();
    want = await reference(gateway.url);
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  const ask = (path: string, body: unknown, ...flags: string[]) =>
    run(curl, ["--silent", "--show-error", "--no-buffer", ...flags, ...JSON_BODY, `${gateway.url}${path}`], {
      input: JSON.stringify(body),
    });

  it.each([
    ["HTTP/1.1", "--http1.1"],
    ["HTTP/2 without TLS", "--http2-prior-knowledge"],
    ["gzip", "--compressed"],
  ])("gets the same answers over %s", async (_, flag) => {
    const path = "/v1/chat/completions";
    const unary = toldOf(JSON.parse(await ask(path, { model: "chat", ...question }, flag)));
    const streaming = { model: "chat", ...question, stream: true, stream_options: { include_usage: true } };
    expectSame({ unary, stream: streamedOf(await ask(path, streaming, flag)) }, want);
  });

  it("speaks Connect's JSON without any library", async () => {
    const messages = question.messages.map(({ role, content }) => ({
      role: `ROLE_${role.toUpperCase()}`,
      text: content,
    }));
    const { choices, usage } = JSON.parse(
      await ask("/polygate.v1.ChatService/Chat", { ...question, model: "chat", messages }),
    );
    expect({ text: choices[0].message.text, finish: choices[0].finishReason }).toEqual({
      text: want.text,
      finish: `FINISH_REASON_${want.finish.toUpperCase()}`,
    });
    expect(usage).toMatchObject({
      promptTokens: want.usage.prompt_tokens,
      completionTokens: want.usage.completion_tokens,
      totalTokens: want.usage.total_tokens,
    });
  });
});
