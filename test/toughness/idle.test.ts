/** Connections that are there and do nothing, and more of them than may be. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openDoor, siteOf } from "../support/door.ts";
import { preface } from "../support/frames.ts";
import { startGateway } from "../support/gateway.ts";
import { type RawSocket, rawSocket } from "../support/raw.ts";
import { hello } from "./mounts.ts";

const IDLE = process.env["POLYGATE_TEST_ALL"] === "1" ? 5_000 : 400;

/** Open files of a process; Linux alone tells. */
const files = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

describe.skipIf(process.platform !== "linux")("idle connections", () => {
  it(`${IDLE} of them slow nobody down, and leave nothing when they go`, { timeout: 60_000 }, async () => {
    await using gateway = await startGateway("routes: []\nlog: {level: error}", { args: ["--workers", "1"] });
    const pid = gateway.process.pid!;
    const ask = async () => {
      const from = performance.now();
      const reply = await fetch(`${gateway.url}/livez`, { headers: { connection: "close" } });
      await reply.text();
      expect(reply.status).toBe(200);
      return performance.now() - from;
    };
    for (let i = 0; i < 20; i++) await ask();
    const before = files(pid);
    const idle: RawSocket[] = [];
    for (let nth = 0; nth < IDLE; nth += 100) {
      const some = await Promise.all(Array.from({ length: 100 }, () => rawSocket(gateway.port)));
      for (const [index, raw] of some.entries()) {
        raw.send(index % 2 === 0 ? preface() : "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
      }
      idle.push(...some);
    }
    await Promise.all(idle.map((raw, index) => (index % 2 === 0 ? raw.until("\x04") : raw.until("alive"))));
    expect(files(pid)).toBeGreaterThanOrEqual(before + IDLE - 5);
    const times: number[] = [];
    for (let i = 0; i < 50; i++) times.push(await ask());
    expect(times.sort((a, b) => a - b)[25]).toBeLessThan(100);
    for (const raw of idle) raw.socket.destroy();
    await expect.poll(() => files(pid), { timeout: 10_000 }).toBeLessThanOrEqual(before + 5);
  });
});

describe("the most connections at a time", () => {
  it("are served; one more is closed at once, and there is room again when one goes", async () => {
    await using door = await openDoor(siteOf([]), hello, { maxConnections: 3 });
    const GET = "GET /hello HTTP/1.1\r\nhost: x\r\n\r\n";
    const open = async () => {
      const raw = await rawSocket(door.port);
      raw.send(GET);
      return raw;
    };
    const three = await Promise.all([open(), open(), open()]);
    for (const raw of three) await raw.until("hello");
    await using fourth = await open();
    expect(await fourth.closed).toBe("");
    three[0]!.socket.end();
    await three[0]!.closed;
    await expect
      .poll(async () => {
        await using again = await open();
        return await again.until("hello").then(
          () => "served",
          () => "closed",
        );
      })
      .toBe("served");
    for (const raw of three) raw.socket.destroy();
  });
});
