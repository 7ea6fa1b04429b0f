/** SIGTERM to the real process. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { describe, expect, it } from "vitest";
import { fakeUpstream } from "../support/fake-upstream.ts";
import { startGateway } from "../support/gateway.ts";
import { drivers } from "./drivers.ts";
import { chatConfig } from "./gateway.ts";

const delta = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;
const SSE = { "content-type": "text/event-stream" };
const QUIET = "log: { level: silent }";

function gate(): { promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

describe("SIGTERM", () => {
  it.each(drivers)("lets a stream over $name finish, and exits 0", async (driver) => {
    await using fake = await fakeUpstream();
    await using gateway = await startGateway(chatConfig(fake.url, QUIET));
    const more = gate();
    fake.always({ headers: SSE, body: [delta("a"), more.promise, delta("b", "stop"), "data: [DONE]\n\n"] });
    const began = gate();
    const asked = driver.stream(gateway.url, { onText: began.open });
    await began.promise;
    const stopped = gateway.stop();
    await gateway.logged(/is stopping/);
    await expect(fetch(`${gateway.url}/livez`)).rejects.toThrow();
    more.open();
    expect(await asked).toMatchObject({ text: "ab", end: "whole", terminals: 1 });
    expect(await stopped).toEqual({ code: 0, signal: null });
  });

  it.each(drivers)("tells a stream over $name that outlasts drain_timeout, and exits 0", async (driver) => {
    await using fake = await fakeUpstream();
    await using gateway = await startGateway(chatConfig(fake.url, `${QUIET}\ndrain_timeout: 200ms`));
    fake.always({ headers: SSE, body: [delta("a"), new Promise(() => {})] });
    const began = gate();
    const asked = driver.stream(gateway.url, { onText: began.open });
    await began.promise;
    const stopped = gateway.stop();
    expect(await asked).toMatchObject({ text: "a", end: "failed", terminals: 1 });
    expect(await stopped).toEqual({ code: 0, signal: null });
  });

  it("fails readiness first and sends GOAWAY over HTTP/2, whose connection goes on for what is under way", async () => {
    await using fake = await fakeUpstream();
    await using gateway = await startGateway(chatConfig(fake.url, `${QUIET}\nadmin: { port: 0 }`));
    const [, admin] = await gateway.logged(/admin.*?(http:\S+)/);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    const more = gate();
    fake.always({ headers: SSE, body: [delta("a"), more.promise, delta("b", "stop"), "data: [DONE]\n\n"] });
    const session = connectHttp2(gateway.url);
    const request = session.request({ ":method": "POST", ":path": "/v1/chat/completions" });
    request.end(JSON.stringify({ model: "chat", stream: true, messages: [{ role: "user", content: "hi" }] }));
    await once(request, "response");
    const goaway = once(session, "goaway");
    const stopped = gateway.stop();
    await goaway;
    expect((await fetch(`${admin}/readyz`)).status).toBe(503);
    expect((await fetch(`${admin}/livez`)).status).toBe(200);
    more.open();
    let text = "";
    for await (const chunk of request) text += chunk;
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(await stopped).toEqual({ code: 0, signal: null });
  });

  it("twice exits at once", async () => {
    await using fake = await fakeUpstream();
    await using gateway = await startGateway(chatConfig(fake.url, QUIET));
    fake.always({ hold: new Promise(() => {}), body: [] });
    const asked = fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "hi" }] }),
    }).catch(() => "cut");
    await fake.exchange(0);
    gateway.process.kill("SIGTERM");
    await gateway.logged(/is stopping/);
    const began = performance.now();
    expect(await gateway.stop("SIGTERM")).toEqual({ code: 143, signal: null });
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await asked).toBe("cut");
  });
});
