import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it } from "vitest";
import { Incoming } from "./incoming.ts";

/** Serves until the test is over; each request goes to `take`. */
async function serving(take: (request: Incoming, response: ServerResponse) => void) {
  const server = createServer({ IncomingMessage: Incoming }, take).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    ask: async (body: string) =>
      (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body, signal: AbortSignal.timeout(5_000) })).text(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Feeds a request to a list, and calls back at its end. */
function collect(request: Incoming, told: string[], end: () => void): void {
  request.feed({
    chunk: (bytes) => told.push(String(bytes)),
    end: () => {
      told.push(`end ${request.complete}`);
      end();
    },
    gone: () => told.push("gone"),
  });
}

describe("a body that is fed", () => {
  it("comes past the stream, which has ended with it; and so does the next of the connection", async () => {
    const told: string[] = [];
    const ended: boolean[] = [];
    await using server = await serving((request, response) => {
      collect(request, told, () => {
        response.end("ok");
        response.once("close", () => ended.push(request.readableEnded, request.destroyed));
      });
    });
    expect([await server.ask("one"), await server.ask("two")]).toEqual(["ok", "ok"]);
    expect(told).toEqual(["one", "end true", "two", "end true"]);
    await expect.poll(() => ended).toEqual([true, false, true, false]);
  });

  it("is heard by who listens to the stream, too", async () => {
    const told: string[] = [];
    await using server = await serving((request, response) => {
      collect(request, told, () => {});
      request.on("data", (chunk) => told.push(`heard ${chunk}`)).on("end", () => response.end("ok"));
    });
    expect(await server.ask("one")).toBe("ok");
    expect(told.toSorted()).toEqual(["end true", "heard one", "one"]);
  });

  it.each([
    ["a part of it", "part", "rest"],
    ["all of it", "partrest", ""],
  ])("is not, when %s is in the stream already", async (_, first, second) => {
    const told: string[] = [];
    const waiting: Incoming[] = [];
    await using server = await serving((request) => waiting.push(request));
    const socket = connect(server.port, "127.0.0.1");
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\n${first}`);
    await expect.poll(() => waiting[0]?.readableLength).toBe(first.length);
    expect(waiting[0]!.feed({ chunk: () => told.push("fed"), end: () => told.push("fed"), gone() {} })).toBe(false);
    waiting[0]!.on("data", (chunk) => told.push(String(chunk))).on("end", () => told.push("end"));
    socket.write(second);
    await expect.poll(() => told.join(" ")).toBe(second === "" ? "partrest end" : "part rest end");
    socket.destroy();
  });

  it("is told as gone, once, when its connection is", async () => {
    const told: string[] = [];
    await using server = await serving((request) => collect(request, told, () => {}));
    const socket = connect(server.port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\npart");
    await expect.poll(() => told).toEqual(["part"]);
    socket.destroy();
    await expect.poll(() => told).toEqual(["part", "gone"]);
  });

  it("is read on when its answer is out before it", async () => {
    const told: string[] = [];
    await using server = await serving((request, response) => {
      collect(request, told, () => {});
      response.end("early");
    });
    const socket = connect(server.port, "127.0.0.1");
    const heard: Buffer[] = [];
    socket.on("data", (chunk) => heard.push(chunk));
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\npart");
    await expect.poll(() => String(Buffer.concat(heard))).toContain("early");
    socket.write("and rest".slice(4));
    await expect.poll(() => told).toEqual(["part", "rest", "end true"]);
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n2");
    await expect.poll(() => told.slice(3)).toEqual(["2", "end true"]);
    socket.destroy();
  });
});
