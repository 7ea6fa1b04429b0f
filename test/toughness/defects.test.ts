/** A defect in the work for one call: that call fails, in its caller's words, and nobody else's. */
import { Code, createClient } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChatService, Role } from "../../gen/polygate/v1/chat_pb.js";
import type { Plan } from "../../src/core/plan.ts";
import type { Mount } from "../../src/core/protocol.ts";
import { protocol as connectProtocol } from "../../src/protocols/connect/index.ts";
import { protocol as mlflowProtocol } from "../../src/protocols/mlflow/index.ts";
import { protocol as openaiProtocol } from "../../src/protocols/openai/index.ts";
import { openDoor, siteOf } from "../support/door.ts";
import { targetOf } from "../support/plan.ts";
import { provider, WIRES } from "../support/rpc.ts";

const lost: unknown[] = [];
const keep = (error: unknown) => void lost.push(error);
beforeEach(() => {
  lost.length = 0;
  process.on("unhandledRejection", keep).on("uncaughtException", keep);
});
afterEach(() => {
  process.off("unhandledRejection", keep).off("uncaughtException", keep);
  expect(lost).toEqual([]);
});

const bug = (): never => {
  throw new TypeError("Cannot read properties of undefined (reading 'secret-file.ts')");
};
const later = async (): Promise<never> => {
  await new Promise(setImmediate);
  return bug();
};

const PLACES: readonly (readonly [where: string, over: Partial<Plan>, stream: boolean])[] = [
  ["before", { before: [bug] }, false],
  ["before, later", { before: [later] }, false],
  ["before, of a stream", { before: [later] }, true],
  ["reply", { reply: [bug] }, false],
  ["chunk", { chunk: [bug] }, true],
];

async function open(over: Partial<Plan>, exchange = provider().exchange) {
  const routes = [
    { name: "bad", type: "llm/v1/chat" as const, targets: [targetOf(exchange)], over },
    { name: "good", type: "llm/v1/chat" as const, targets: [targetOf(provider().exchange)] },
  ];
  return openDoor(siteOf(routes), (door) =>
    [openaiProtocol, mlflowProtocol, connectProtocol].flatMap((one) => one.mounts(door)),
  );
}
const ask = (url: string, model: string, stream = false, path = "/v1/chat/completions") =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...(path.startsWith("/v1") && { model }),
      stream,
      messages: [{ role: "user", content: "hi" }],
    }),
  });

describe.each(PLACES)("a step that throws in %s", (_, over, stream) => {
  it("fails its call over REST, and no other", async () => {
    await using door = await open(over);
    for (const path of ["/v1/chat/completions", "/gateway/bad/invocations"]) {
      const reply = await ask(door.url, "bad", stream, path);
      const text = await reply.text();
      expect(text).not.toMatch(/secret-file|TypeError|Cannot read/);
      // A stream that began says 200 and ends with the error.
      expect([500, 200]).toContain(reply.status);
      expect(text).toMatch(/The gateway failed; quote the request id/);
      expect(text).not.toContain("[DONE]");
    }
    expect((await ask(door.url, "good")).status).toBe(200);
    expect(door.underWay.size).toBe(0);
  });

  it.each(WIRES)("fails its call over %s, and no other", async (_name, transport) => {
    await using door = await open(over);
    const client = createClient(ChatService, transport(door.url));
    const chat = (model: string) => ({
      model,
      messages: [{ role: Role.USER, content: { case: "text" as const, value: "hi" } }],
    });
    const failing = async () => {
      if (!stream) return client.chat(chat("bad"));
      for await (const _piece of client.streamChat({ chat: chat("bad") }));
      return undefined;
    };
    await expect(failing()).rejects.toMatchObject({
      code: Code.Internal,
      rawMessage: "The gateway failed; quote the request id to its operator.",
    });
    expect((await client.chat(chat("good"))).choices).toHaveLength(1);
  });
});

describe("a step that throws where nobody waits for it", () => {
  it.each([
    ["settle", { settle: [bug] }, provider().exchange],
    ["fault", { fault: [bug] }, provider(() => ({ status: 500, chunks: ["{}"] })).exchange],
  ] as const)("(%s) ends no process", async (_, over, exchange) => {
    await using door = await open(over, exchange);
    for (const stream of [false, true]) await (await ask(door.url, "bad", stream)).text().catch(() => "cut");
    expect((await ask(door.url, "good")).status).toBe(200);
    await expect.poll(() => door.underWay.size).toBe(0);
  });

  it("(settle, when the time is up) ends no process", async () => {
    await using door = await open(
      { settle: [bug], totalMs: 50, firstByteMs: 20 },
      provider(() => ({ chunks: [], open: true })).exchange,
    );
    await (await ask(door.url, "bad")).text().catch(() => "cut");
    await (await ask(door.url, "bad", true)).text().catch(() => "cut");
    expect((await ask(door.url, "good")).status).toBe(200);
    await expect.poll(() => door.underWay.size).toBe(0);
  });
});

describe("an endpoint", () => {
  const mount = (handle: Mount["endpoints"][number]["handle"], refuse?: Mount["refuse"]): Mount => ({
    prefix: "",
    endpoints: [{ method: "POST", path: "/x", permission: "open", handle }],
    refuse: refuse ?? ((inbound, error) => inbound.send(error.http, [], error.message)),
  });
  const post = (url: string) => fetch(`${url}/x`, { method: "POST", body: "body" });

  it("that throws when the body is there fails that exchange", async () => {
    await using door = await openDoor(siteOf([]), () => [mount((inbound) => inbound.collect(100, bug))]);
    const reply = await post(door.url);
    expect([reply.status, await reply.text()]).toEqual([500, expect.stringContaining("request id")]);
    expect(door.finished[0]?.error?.fault.reason).toBe("INTERNAL");
  });

  it("that throws in the middle of its answer cuts it", async () => {
    await using door = await openDoor(siteOf([]), () => [
      mount((inbound) =>
        inbound.collect(100, () => {
          inbound.open(200, []);
          inbound.write("half");
          bug();
        }),
      ),
    ]);
    await expect(post(door.url).then((reply) => reply.text())).rejects.toThrow();
    await expect.poll(() => door.underWay.size).toBe(0);
  });

  it("that throws even as it refuses is cut", async () => {
    await using door = await openDoor(siteOf([]), () => [mount((inbound) => inbound.collect(100, bug), bug)]);
    await expect(post(door.url)).rejects.toThrow();
    await expect.poll(() => door.underWay.size).toBe(0);
  });

  it("that sends a header that is none fails that exchange", async () => {
    await using door = await openDoor(siteOf([]), () => [
      mount((inbound) => inbound.collect(100, () => inbound.send(200, ["x-a", "a\r\nb: c"], "body"))),
    ]);
    const reply = await post(door.url);
    expect(reply.status).toBe(500);
    expect(reply.headers.get("b")).toBeNull();
  });
});
