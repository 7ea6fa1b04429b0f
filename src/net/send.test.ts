import type { LookupFunction, Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { bareServer } from "../../test/support/bare-server.ts";
import { fakeUpstream, gzipped } from "../../test/support/fake-upstream.ts";
import { type Recorded, record } from "../../test/support/recording.ts";
import type { Outgoing } from "../core/provider.ts";
import { egressOf } from "./egress.ts";
import { Dialer, type Dialing } from "./send.ts";

const OUT: Outgoing = { path: "/v1/x", headers: ["content-type", "application/json"], body: Buffer.from("{}") };
const HOW: Dialing = { connectMs: 2_000, maxConnections: 10, egress: egressOf([], "file") };
const dialers: Dialer[] = [];
afterEach(async () => {
  for (const dialer of dialers.splice(0)) await dialer.close();
});
const dialerOf = (resolve?: LookupFunction) => {
  const dialer = new Dialer(resolve);
  dialers.push(dialer);
  return dialer;
};
/** Sends once and waits for the end, whatever it is. */
async function send(dialer: Dialer, origin: string, how: Partial<Dialing> = {}, out = OUT): Promise<Recorded> {
  const so = record(dialer.to(origin, { ...HOW, ...how }), out);
  await expect.poll(() => so.outcome, { timeout: 10_000, interval: 5 }).toBeDefined();
  return so;
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("what may be dialed", () => {
  it("is judged when the connection opens: a name that turned to this machine is refused, and nothing is sent", async () => {
    await using sink = await fakeUpstream();
    const answers = ["127.0.0.2", "127.0.0.1"];
    const rebinding: LookupFunction = (_, __, done) => done(null, [{ address: answers.shift()!, family: 4 }]);
    const dialer = dialerOf(rebinding);
    const origin = `http://rebind.example.com:${sink.port}`;
    const how = { egress: egressOf(["127.0.0.2"], "file") };
    // Dialed, where nobody listens.
    expect(await send(dialer, origin, how)).toMatchObject({ outcome: "connect", cause: { code: "ECONNREFUSED" } });
    const second = await send(dialer, origin, how);
    expect(second).toMatchObject({ outcome: "connect", cause: { code: "EGRESS_REFUSED" } });
    expect(String(second.cause)).toContain("rebind.example.com resolves to 127.0.0.1");
    expect(sink.connections.accepted).toBe(0);
  });

  it("is judged for an address in the URL, too, which never gets to DNS", async () => {
    await using sink = await fakeUpstream();
    const dialer = dialerOf();
    for (const host of ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "localhost"]) {
      const so = await send(dialer, new URL(`http://${host}:${sink.port}`).origin, { egress: egressOf([], "api") });
      expect([host, so.outcome, (so.cause as { code?: string }).code]).toEqual([host, "connect", "EGRESS_REFUSED"]);
    }
    expect(sink.connections.accepted).toBe(0);
    expect((await send(dialer, sink.url)).outcome).toBe("end");
  });

  it("is not what a redirect says, nor what the environment's proxies are", async () => {
    await using sink = await fakeUpstream();
    await using upstream = await fakeUpstream({ status: 307, headers: { location: `${sink.url}/stolen` } });
    const names = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "NODE_USE_ENV_PROXY"];
    const before = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : sink.url;
    try {
      expect(await send(dialerOf(), upstream.url)).toMatchObject({ outcome: "end", status: 307 });
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
    expect([upstream.hits, sink.connections.accepted]).toEqual([1, 0]);
  });
});

describe("connections to an origin", () => {
  it("are bounded: one more exchange is refused at once, and there is room again after one ends", async () => {
    await using upstream = await fakeUpstream();
    const hold = Promise.withResolvers<void>();
    upstream.next({ hold: hold.promise }, { hold: hold.promise });
    const dialer = dialerOf();
    const exchange = dialer.to(upstream.url, { ...HOW, maxConnections: 2 });
    const [one, two, three] = [record(exchange, OUT), record(exchange, OUT), record(exchange, OUT)];
    await turn();
    expect(three).toMatchObject({
      outcome: "connect",
      cause: { message: expect.stringContaining("all 2 connections") },
    });
    hold.resolve();
    await expect.poll(() => [one.outcome, two.outcome]).toEqual(["end", "end"]);
    expect((await send(dialer, upstream.url, { maxConnections: 2 })).outcome).toBe("end");
    expect(upstream.hits).toBe(3);
  });

  it("count no more once an exchange was abandoned, on a dead origin too", async () => {
    await using upstream = await fakeUpstream({ ending: "stall", body: ["x"] });
    const dialer = dialerOf();
    for (let i = 0; i < 20; i++) {
      const so = record(dialer.to(upstream.url, { ...HOW, maxConnections: 1 }), OUT);
      await upstream.exchange(i);
      so.abort();
      await upstream.idle();
    }
    const dead = "http://127.0.0.1:1";
    for (let i = 0; i < 20; i++) {
      const so = await send(dialer, dead, { maxConnections: 1 });
      expect([so.outcome, (so.cause as { code?: string }).code]).toEqual(["connect", "ECONNREFUSED"]);
    }
  });

  it("are let go when a reload dials the origin in another way", async () => {
    await using upstream = await fakeUpstream();
    const dialer = dialerOf();
    const exchange = dialer.to(upstream.url, HOW);
    dialer.keep(new Set([upstream.url]));
    const so = record(exchange, OUT);
    await expect.poll(() => so.outcome).toBe("end");
    expect(upstream.connections.open).toBe(1);
    dialer.to(upstream.url, { ...HOW, egress: egressOf(["10.0.0.1"], "file") });
    dialer.keep(new Set([upstream.url]));
    await upstream.idle();
    await send(dialer, upstream.url);
    expect(upstream.connections.accepted).toBe(2);
  });

  it("that never open are given up in time, and for good: no answer of DNS, none of TLS", async () => {
    await using silent = await bareServer((socket) => void socket.resume());
    const deaf: LookupFunction = () => {};
    expect((await send(dialerOf(deaf), "http://deaf.example.com", { connectMs: 30 })).outcome).toBe("connect_timeout");
    const secure = silent.origin.replace("http:", "https:");
    expect((await send(dialerOf(), secure, { connectMs: 100 })).outcome).toBe("connect_timeout");
    await expect.poll(() => silent.open).toBe(0);
  });
});

describe("a connection that the provider closed while it was idle", () => {
  const heads = (socket: Socket, on: (request: number) => void) => {
    let request = 0;
    socket.on("data", () => on(request++));
  };

  it.each(["end", "resetAndDestroy"] as const)(
    "costs no call: it is sent once more, over a new one (%s)",
    async (how) => {
      await using server = await bareServer((socket, nth) =>
        heads(socket, (request) => (nth === 0 && request === 1 ? socket[how]() : socket.write(OK))),
      );
      const dialer = dialerOf();
      expect((await send(dialer, server.origin)).outcome).toBe("end");
      expect(await send(dialer, server.origin)).toMatchObject({ outcome: "end", text: "ok" });
      expect(server.accepted).toBe(2);
    },
  );

  it("is tried once more and not twice", async () => {
    await using server = await bareServer((socket, nth) =>
      heads(socket, (request) => (nth === 0 && request === 0 ? socket.write(OK) : socket.destroy())),
    );
    const dialer = dialerOf();
    expect((await send(dialer, server.origin)).outcome).toBe("end");
    expect((await send(dialer, server.origin)).outcome).toBe("broken");
    expect(server.accepted).toBe(2);
  });

  it("is told from one that broke after a byte of its answer, and from a new one: those are not sent again", async () => {
    await using partial = await bareServer((socket) =>
      heads(socket, (request) => (request === 0 ? socket.write(OK) : socket.end("HTTP/1.1 200 O"))),
    );
    const dialer = dialerOf();
    await send(dialer, partial.origin);
    expect((await send(dialer, partial.origin)).outcome).toBe("broken");
    expect(partial.accepted).toBe(1);
    await using rude = await bareServer((socket) => heads(socket, () => socket.destroy()));
    expect((await send(dialer, rude.origin)).outcome).toBe("broken");
    expect(rude.accepted).toBe(1);
  });
});

describe("an answer", () => {
  it("may be led by informational ones, which are passed over", async () => {
    const early = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    await using server = await bareServer((socket) => socket.on("data", () => socket.write(`${early}${early}${OK}`)));
    expect(await send(dialerOf(), server.origin)).toMatchObject({ outcome: "end", status: 200, text: "ok" });
  });

  it.each([
    ["a head of 64 KiB", `HTTP/1.1 200 OK\r\nx: ${"x".repeat(64 * 1024)}\r\n\r\n`],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["an unasked switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
  ])("with %s is a broken one, and the connection is not used again", async (_, bytes) => {
    await using server = await bareServer((socket) => socket.on("data", () => socket.write(bytes)));
    const dialer = dialerOf();
    expect((await send(dialer, server.origin)).outcome).toBe("broken");
    expect((await send(dialer, server.origin)).outcome).toBe("broken");
    expect(server.accepted).toBe(2);
  });

  it("that comes before the question was sent whole is taken, and the connection is not used again", async () => {
    const big = { ...OUT, body: Buffer.alloc(16 * 1024 * 1024, "x") };
    await using server = await bareServer((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
      });
    });
    const dialer = dialerOf();
    expect(await send(dialer, server.origin, {}, big)).toMatchObject({ outcome: "end", status: 413, text: "big" });
    expect(await send(dialer, server.origin, {}, big)).toMatchObject({ outcome: "end", status: 413 });
    expect(server.accepted).toBe(2);
  });

  it("of bytes that nobody asked for ends an idle connection and is not taken for the next answer", async () => {
    await using server = await bareServer((socket, nth) =>
      socket.on("data", () => socket.write(nth === 0 ? `${OK}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil` : OK)),
    );
    const dialer = dialerOf();
    expect(await send(dialer, server.origin)).toMatchObject({ text: "ok" });
    expect(await send(dialer, server.origin)).toMatchObject({ outcome: "end", text: "ok" });
  });

  it("that is packed waits packed while the caller holds it back", async () => {
    const wide = { body: [Buffer.alloc(8 * 1024 * 1024, " ")] };
    await using upstream = await fakeUpstream(gzipped(wide));
    const dialer = dialerOf();
    let paused = false;
    const so = record(dialer.to(upstream.url, HOW), OUT, (all) => {
      if (paused) return;
      paused = true;
      all.pause();
    });
    await expect.poll(() => so.text.length).toBeGreaterThan(0);
    await (await upstream.exchange(0)).finished;
    await turn();
    expect(so.text.length).toBeLessThan(1024 * 1024);
    so.resume();
    await expect.poll(() => so.outcome).toBe("end");
    expect(so.text).toHaveLength(8 * 1024 * 1024);
  });
});
