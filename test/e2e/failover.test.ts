/** `examples/failover`, as its README tells it. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway.ts";

const CONFIG = new URL("../../examples/failover/polygate.yaml", import.meta.url);
let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway(await readFile(CONFIG, "utf8"));
});
afterAll(() => gateway[Symbol.asyncDispose]());

const ask = (model: string, stream: boolean) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hello" }] }),
  });

/** Who answered, by the body and by the header. */
async function whoAnswered(model: string): Promise<string> {
  const response = await ask(model, false);
  const reply = (await response.json()) as { readonly model: string };
  const attempt = /attempt=(\d)/.exec(response.headers.get("x-polygate-served") ?? "")?.[1];
  return `${response.status} ${reply.model} ${attempt}`;
}

describe("the failover example", () => {
  it("answers every second request from the other target", async () => {
    const answers = [];
    for (let request = 0; request < 4; request++) answers.push(await whoAnswered("chat"));
    expect(answers).toEqual([
      "200 simulator-flaky 1",
      "200 simulator-steady 2",
      "200 simulator-flaky 1",
      "200 simulator-steady 2",
    ]);
  });

  it("waits half a second for a target that stalls, and then answers from the other", async () => {
    const before = performance.now();
    expect(await whoAnswered("chat-stalled")).toBe("200 simulator-steady 2");
    expect(performance.now() - before).toBeGreaterThanOrEqual(499);
  });

  it("ends a stream that is cut with an error, and not as if it were whole", async () => {
    const text = await (await ask("chat-cut", true)).text();
    expect(text).toContain('"content":"You said:');
    expect(text).not.toContain("[DONE]");
    expect(text.trimEnd().split("\n\n").at(-1)).toMatch(/^data: \{"error":\{"message":".+broke off/);
    expect(await whoAnswered("chat-cut")).toBe("200 simulator-flaky 1");
  });
});
