import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { createServer as createTls, getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { bareServer } from "../../test/support/bare-server.ts";
import { selfSigned } from "../../test/support/certificate.ts";
import { type Recorded, record } from "../../test/support/recording.ts";
import type { Outgoing, Receiver } from "../core/provider.ts";
import { connectorOf } from "./connector.ts";
import { egressOf } from "./egress.ts";
import { type Sender, SentExchange } from "./exchange.ts";
import { Dialer, type Dialing } from "./send.ts";
import { Wire } from "./wire.ts";

const OUT: Outgoing = { path: "/v1/x", headers: ["content-type", "application/json"], body: Buffer.from("{}") };
const HOW: Dialing = { connectMs: 2_000, maxConnections: 100, egress: egressOf([], "file") };
const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const HELD = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";

const dialers: Dialer[] = [];
afterEach(async () => {
  for (const dialer of dialers.splice(0)) await dialer.close();
});
const dialerOf = () => {
  const dialer = new Dialer();
  dialers.push(dialer);
  return dialer;
};
const start = (dialer: Dialer, origin: string, out = OUT, onChunk?: (so: Recorded) => void) =>
  record(dialer.to(origin, HOW), out, onChunk);
async function ended(so: Recorded): Promise<Recorded> {
  await expect.poll(() => so.outcome, { timeout: 10_000, interval: 2 }).toBeDefined();
  return so;
}
const send = (dialer: Dialer, origin: string, out = OUT) => ended(start(dialer, origin, out));

/** Calls with each request that is whole: its text, and which one it is on its connection. */
function requests(socket: Socket, on: (text: string, nth: number) => void): void {
  let text = "";
  let nth = 0;
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      const whole = text.slice(0, end + 4 + length);
      text = text.slice(whole.length);
      on(whole, nth++);
    }
  });
}
/** Answers each request with the next of these on its connection; the last one again and again. */
const answering =
  (...answers: string[]) =>
  (socket: Socket) =>
    requests(socket, (_, nth) => socket.write(answers[Math.min(nth, answers.length - 1)]!, "latin1"));

/** A server that answers, and its end of each connection. */
async function wellServer() {
  const sockets: Socket[] = [];
  const server = await bareServer((socket) => {
    sockets.push(socket);
    answering(OK)(socket);
  });
  return Object.assign(server, { sockets });
}

describe("a request", () => {
  it.each([0, 2, 8 * 1024, 8 * 1024 + 1, 256 * 1024])("arrives whole, with a body of %d bytes", async (size) => {
    const arrived: string[] = [];
    await using server = await bareServer((socket) =>
      requests(socket, (text) => {
        arrived.push(text);
        socket.write(OK);
      }),
    );
    const body = Buffer.from(Array.from({ length: size }, (_, i) => i & 255));
    const dialer = dialerOf();
    for (let i = 0; i < 2; i++) expect((await send(dialer, server.origin, { ...OUT, body })).text).toBe("ok");
    const head = `POST /v1/x HTTP/1.1\r\nhost: ${server.origin.slice(7)}\r\nconnection: keep-alive\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`;
    const want = head + body.toString("latin1");
    expect(arrived.map((text) => text === want)).toEqual([true, true]);
    expect(server.accepted).toBe(1);
  });

  it("that would end its own lines is not sent", async () => {
    await using server = await bareServer(answering(OK));
    for (const out of [
      { ...OUT, path: "/x HTTP/1.1\r\nevil: 1" },
      { ...OUT, headers: ["x", "a\r\nevil: 1"] },
      { ...OUT, headers: ["content-length", "0"] },
    ]) {
      expect(await send(dialerOf(), server.origin, out)).toMatchObject({
        outcome: "connect",
        cause: { message: expect.stringContaining("invalid") },
      });
    }
    expect(server.accepted).toBe(0);
  });
});

describe("an idle connection", () => {
  it("is used again, the one that was idle for the shortest time first", async () => {
    const seen: number[] = [];
    await using server = await bareServer((socket, nth) =>
      requests(socket, () => {
        seen.push(nth);
        socket.write(OK);
      }),
    );
    const dialer = dialerOf();
    await Promise.all([1, 2, 3].map(() => send(dialer, server.origin)));
    const last = seen.at(-1);
    seen.length = 0;
    for (let i = 0; i < 4; i++) await send(dialer, server.origin);
    expect(seen).toEqual([last, last, last, last]);
    expect(server.accepted).toBe(3);
  });

  it("that the server closes is gone at once", async () => {
    await using server = await bareServer((socket) =>
      requests(socket, () => {
        socket.write(OK);
        setImmediate(() => socket.end());
      }),
    );
    const dialer = dialerOf();
    for (let i = 1; i <= 3; i++) {
      expect((await send(dialer, server.origin)).outcome).toBe("end");
      await expect.poll(() => server.open).toBe(0);
      expect(server.accepted).toBe(i);
    }
  });

  it("on which something comes unasked is closed, and no answer is made of it", async () => {
    await using server = await wellServer();
    const dialer = dialerOf();
    await send(dialer, server.origin);
    server.sockets[0]!.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    await expect.poll(() => server.open).toBe(0);
    expect((await send(dialer, server.origin)).text).toBe("ok");
    expect(server.accepted).toBe(2);
  });

  it("on which more came than the answer has is closed", async () => {
    await using server = await bareServer(answering(`${OK}HTTP/1.1 200 OK\r\n`));
    const dialer = dialerOf();
    for (let i = 1; i <= 2; i++) {
      expect((await send(dialer, server.origin)).text).toBe("ok");
      expect(server.accepted).toBe(i);
      await expect.poll(() => server.open).toBe(0);
    }
  });

  it.each(["connection: close\r\n", "keep-alive: timeout=2\r\n", "Connection: Keep-Alive, Close\r\n"])(
    "is none when the server says so: %j",
    async (line) => {
      await using server = await bareServer(answering(OK.replace("content-length", `${line}content-length`)));
      const dialer = dialerOf();
      await send(dialer, server.origin);
      await expect.poll(() => server.open).toBe(0);
      await send(dialer, server.origin);
      expect(server.accepted).toBe(2);
    },
  );

  it("is closed in time, and sooner when the server says that it will", async () => {
    await using server = await bareServer(
      answering(OK.replace("content-length", "keep-alive: timeout=3\r\ncontent-length")),
    );
    const dialer = dialerOf();
    const before = performance.now();
    await send(dialer, server.origin);
    await expect.poll(() => server.open, { timeout: 5_000 }).toBe(0);
    expect(performance.now() - before).toBeGreaterThan(900);
  });

  it("keeps no process alive", async () => {
    await using server = await bareServer(answering(OK));
    const program = `
      import { Dialer } from ${JSON.stringify(new URL("./send.ts", import.meta.url).href)};
      import { egressOf } from ${JSON.stringify(new URL("./egress.ts", import.meta.url).href)};
      const how = { connectMs: 2000, maxConnections: 9, egress: egressOf([], "file") };
      const out = { path: "/", headers: [], body: Buffer.from("{}") };
      const send = new Dialer().to(${JSON.stringify(server.origin)}, how);
      const whole = () => new Promise((onEnd, onBreak) => send(out, { onHead() {}, onData() {}, onEnd, onBreak }));
      await whole();
      await new Promise(setImmediate);
      await whole();
      console.log("done");
      process.on("exit", () => console.log(performance.now() - before < 800));
      const before = performance.now();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
      timeout: 10_000,
    });
    expect(stdout).toBe("done\ntrue\n");
    expect(server.accepted).toBe(1);
  });
});

describe("an answer", () => {
  it("whose end only the connection's end told is whole, and said to be unframed", async () => {
    await using server = await bareServer((socket) =>
      requests(socket, () => socket.end("HTTP/1.1 200 OK\r\n\r\nall of it")),
    );
    const told: unknown[] = [];
    const done = Promise.withResolvers<void>();
    dialerOf().to(server.origin, HOW)(OUT, {
      onHead: (status) => told.push(status),
      onData: (chunk) => told.push(String(chunk)),
      onEnd(framed) {
        told.push(framed);
        done.resolve();
      },
      onBreak: done.reject,
    });
    await done.promise;
    expect(told).toEqual([200, "all of it", false]);
  });

  it.each([
    ["of a length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", "end"],
    ["in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "end"],
    ["whose head is not whole", "HTTP/1.1 200 OK\r\ncontent-", "end"],
    ["of a length, by a reset", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", "resetAndDestroy"],
    ["that the connection's end is to tell, by a reset", "HTTP/1.1 200 OK\r\n\r\nhell", "resetAndDestroy"],
  ] as const)("%s that ends early is a broken one", async (_, bytes, how) => {
    await using server = await bareServer((socket) => requests(socket, () => socket.write(bytes, () => socket[how]())));
    const so = await send(dialerOf(), server.origin);
    expect(so.outcome).toBe("broken");
    expect((so.cause as { code: string }).code).toBe(how === "end" ? "SOCKET_CLOSED" : "ECONNRESET");
    expect(server.accepted).toBe(1);
  });

  it("that is no HTTP breaks its own exchange, and no other", async () => {
    const held: Socket[] = [];
    await using server = await bareServer((socket, nth) =>
      requests(socket, () => (nth === 0 ? held.push(socket) : socket.write("HTTP/1.1 200 OK\r\nx\r\n\r\n"))),
    );
    const dialer = dialerOf();
    const first = start(dialer, server.origin);
    await expect.poll(() => held.length).toBe(1);
    expect(await send(dialer, server.origin)).toMatchObject({
      outcome: "broken",
      cause: { code: "ANSWER_MALFORMED", message: "the answer is not HTTP/1.1: a header without a colon" },
    });
    held[0]!.write(OK);
    expect((await ended(first)).text).toBe("ok");
  });

  it("that came before the request was written whole is taken, and the connection is not used again", async () => {
    await using server = await bareServer((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write(OK);
      });
    });
    const wire = new Wire(server.origin, connectorOf(server.origin, 2_000, HOW.egress));
    const body = Buffer.alloc(16 * 1024 * 1024);
    const sender: Sender = { connects: 0, released() {}, again: () => expect.unreachable() };
    for (let i = 1; i <= 2; i++) {
      const so = record((out, receiver) => {
        const exchange = new SentExchange(receiver, sender, { method: "POST", path: out.path, headers: [], body });
        wire.send(exchange);
        return exchange;
      }, OUT);
      expect((await ended(so)).text).toBe("ok");
      expect(server.accepted).toBe(i);
      await turn();
    }
    await wire.destroy();
  });
});

describe("holding back", () => {
  it("makes the server wait, and loses nothing", async () => {
    const SIZE = 16 * 1024 * 1024;
    const body = randomBytes(SIZE);
    let waiting: Socket | undefined;
    await using server = await bareServer((socket) =>
      requests(socket, () => {
        waiting = socket;
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${SIZE}\r\n\r\n`);
        socket.write(body);
      }),
    );
    let pauses = 0;
    const dialer = dialerOf();
    const so = start(dialer, server.origin, OUT, (all) => {
      if (++pauses % 5 === 1) all.pause();
      if (pauses % 5 === 1 && pauses > 1) setImmediate(() => all.resume());
    });
    await expect.poll(() => so.chunks.length).toBe(1);
    for (let i = 0; i < 50; i++) await turn();
    expect(so.chunks.length).toBe(1);
    expect(waiting!.writableLength).toBeGreaterThan(0);
    so.resume();
    await ended(so);
    expect(Buffer.concat(so.chunks).equals(body)).toBe(true);
    waiting!.removeAllListeners("data");
    answering(OK)(waiting!);
    // Its last part was taken between two turns, and a connection rests for a whole one.
    for (let i = 0; i < 3; i++) await turn();
    expect((await send(dialer, server.origin)).chunks.length).toBe(1);
    expect(server.accepted).toBe(1);
  });

  it.each([
    ["unframed", "HTTP/1.1 200 OK\r\n\r\n"],
    ["of a length", "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n"],
    ["in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"],
  ])("waits with the end of an answer, too, when the server is gone already: %s", async (_, head) => {
    const chunks = head.includes("chunked") ? ["3\r\none\r\n", "5\r\n, two\r\n0\r\n\r\n"] : ["one", ", two"];
    await using server = await bareServer((socket) =>
      requests(socket, () => {
        socket.write(head + chunks[0]!);
        setImmediate(() => setImmediate(() => socket.end(chunks[1]!)));
      }),
    );
    const so = start(dialerOf(), server.origin, OUT, (all) => {
      if (all.chunks.length === 1) all.pause();
    });
    await expect.poll(() => so.chunks.length).toBeGreaterThan(0);
    for (let i = 0; i < 100; i++) await turn();
    expect(so.outcome).toBeUndefined();
    so.resume();
    expect(await ended(so)).toMatchObject({ outcome: "end", text: "one, two" });
  });

  it("and letting go from within is no end, however much of the answer was read when the server was gone", async () => {
    const chunks = "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n";
    await using server = await bareServer((socket) =>
      requests(socket, () => socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`)),
    );
    const so = start(dialerOf(), server.origin, OUT, (all) => {
      all.pause();
      if (all.chunks.length > 1) all.resume();
    });
    await expect.poll(() => so.text).toBe("one");
    await expect.poll(() => server.open).toBe(0);
    for (let i = 0; i < 50; i++) await turn();
    so.resume();
    expect([so.outcome, so.text]).toEqual(["end", "onetwothree"]);
  });

  it.each(["at once", "when it was asked"])(
    "before the head has come lets the head through, and no more: %s",
    async (when) => {
      const asked = Promise.withResolvers<Socket>();
      await using server = await bareServer((socket) => requests(socket, () => asked.resolve(socket)));
      const told: string[] = [];
      const so = dialerOf().to(server.origin, HOW)(OUT, {
        onHead: () => told.push("head"),
        onData: () => told.push("data"),
        onEnd: () => told.push("end"),
        onBreak: () => told.push("break"),
      });
      if (when !== "at once") await asked.promise;
      so.pause();
      (await asked.promise).write(OK);
      await expect.poll(() => told).toEqual(["head"]);
      for (let i = 0; i < 50; i++) await turn();
      expect(told).toEqual(["head"]);
      so.resume();
      await expect.poll(() => told).toEqual(["head", "data", "end"]);
    },
  );
});

describe("an exchange", () => {
  it("that is abandoned closes its connection and says no more", async () => {
    await using server = await bareServer(answering(`${HELD}hell`));
    const so = start(dialerOf(), server.origin);
    await expect.poll(() => so.text).toBe("hell");
    so.abort();
    so.abort();
    so.resume();
    await expect.poll(() => server.open).toBe(0);
    expect(so.outcome).toBeUndefined();
  });

  it("that is abandoned from within, at its head or within a read of many parts, hears no more of it", async () => {
    const parts = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n";
    await using server = await bareServer(answering(parts));
    const so = start(dialerOf(), server.origin, OUT, (all) => {
      if (all.text === "ab") all.abort();
    });
    await expect.poll(() => so.text).toBe("ab");
    await expect.poll(() => server.open).toBe(0);
    expect([so.text, so.outcome]).toEqual(["ab", undefined]);
  });

  it("that is abandoned before it began costs no connection", async () => {
    await using server = await bareServer(answering(OK));
    const dialer = dialerOf();
    start(dialer, server.origin).abort();
    await expect.poll(() => server.open).toBe(1);
    expect((await send(dialer, server.origin)).text).toBe("ok");
    start(dialer, server.origin).abort();
    expect((await send(dialer, server.origin)).text).toBe("ok");
    expect(server.accepted).toBeLessThanOrEqual(2);
  });

  it("is not touched by the controls of the one before it on its connection", async () => {
    await using server = await bareServer((socket) =>
      requests(socket, (_, nth) => {
        if (nth === 0) socket.write(OK);
        else {
          socket.write(`${HELD}hel`);
          setImmediate(() => setImmediate(() => socket.write("lo")));
        }
      }),
    );
    const dialer = dialerOf();
    const first = await send(dialer, server.origin);
    const second = start(dialer, server.origin, OUT, () => {
      first.pause();
      first.abort();
    });
    expect(await ended(second)).toMatchObject({ outcome: "end", text: "hello" });
    expect(server.accepted).toBe(1);
  });

  it("may begin another one from within its own end", async () => {
    await using server = await bareServer(answering(OK));
    const dialer = dialerOf();
    const exchange = dialer.to(server.origin, HOW);
    const ends: number[] = [];
    const quiet = { onHead() {}, onData() {}, onBreak: expect.unreachable };
    const again = (left: number): void => {
      exchange(OUT, {
        ...quiet,
        onEnd() {
          ends.push(left);
          if (left > 0) again(left - 1);
        },
      });
    };
    again(3);
    await expect.poll(() => ends).toEqual([3, 2, 1, 0]);
    await expect.poll(() => server.open).toBe(server.accepted);
  });

  it.each(["onHead", "onData", "onEnd"] as const)("whose receiver throws in %s breaks alone", async (where) => {
    await using server = await bareServer(answering(OK));
    const dialer = dialerOf();
    const broke: unknown[] = [];
    const receiver: Receiver = { onHead() {}, onData() {}, onEnd() {}, onBreak: (_, cause) => broke.push(cause) };
    const called = Promise.withResolvers<void>();
    receiver[where] = () => {
      called.resolve();
      throw new Error("a defect");
    };
    const other = start(dialer, server.origin);
    dialer.to(server.origin, HOW)(OUT, receiver);
    await called.promise;
    expect((await ended(other)).text).toBe("ok");
    expect((await send(dialer, server.origin)).text).toBe("ok");
    expect(broke).toEqual(where === "onEnd" ? [] : [new Error("a defect")]);
  });

  it("whose idle connection says something before it was written takes another one, and no answer is made of it", async () => {
    await using server = await wellServer();
    const dialer = dialerOf();
    await send(dialer, server.origin);
    // From here on the loop reads before it sends.
    await turn();
    server.sockets[0]!.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    expect((await send(dialer, server.origin)).text).toBe("ok");
    expect(server.accepted).toBe(2);
  });

  it("whose idle connection is found closed before it was written takes another one", async () => {
    await using server = await wellServer();
    const dialer = dialerOf();
    await send(dialer, server.origin);
    for (let i = 0; i < 10; i++) {
      server.sockets.at(-1)!.end();
      // The end is on its way, and nothing was read since.
      expect((await send(dialer, server.origin)).text).toBe("ok");
      expect(server.sockets.length).toBe(i + 2);
    }
  });
});

describe("letting go", () => {
  it("of what is idle is at once, and what is under way goes on to its end", async () => {
    let busy: Socket | undefined;
    await using server = await bareServer((socket, nth) =>
      requests(socket, () => {
        if (nth > 0) socket.write(OK);
        else {
          busy = socket;
          socket.write(`${HELD}hel`);
        }
      }),
    );
    const dialer = dialerOf();
    const so = start(dialer, server.origin);
    await expect.poll(() => so.text).toBe("hel");
    await send(dialer, server.origin);
    expect(server.open).toBe(2);
    dialer.keep(new Set());
    await expect.poll(() => server.open).toBe(1);
    busy!.write("lo");
    expect(await ended(so)).toMatchObject({ outcome: "end", text: "hello" });
    await expect.poll(() => server.open).toBe(0);
  });

  it("for good cuts everything, and leaves nothing behind", async () => {
    await using server = await bareServer((socket, nth) => answering(nth === 0 ? OK : `${HELD}hel`)(socket));
    const dialer = dialerOf();
    await send(dialer, server.origin);
    const [reading, waiting, late] = [1, 2, 3].map(() => start(dialer, server.origin));
    await expect.poll(() => [reading!.text, waiting!.text, late!.text].join()).toContain("hel");
    const connecting = start(dialer, server.origin);
    await dialer.close();
    await expect.poll(() => server.open).toBe(0);
    expect([connecting.outcome, reading!.outcome]).toEqual(["connect", expect.stringMatching(/end|broken/)]);
    expect(process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap")).toEqual([]);
  });
});

describe("a pool that was cut", () => {
  it("opens no connection, whatever is sent over it afterwards", async () => {
    await using server = await bareServer(answering(OK));
    const wire = new Wire(server.origin, connectorOf(server.origin, 2_000, HOW.egress));
    await wire.destroy();
    const sender: Sender = { connects: 0, released() {}, again: () => expect.unreachable() };
    const so = record((out, receiver) => {
      const exchange = new SentExchange(receiver, sender, { ...out, method: "POST", headers: [] });
      wire.send(exchange);
      return exchange;
    }, OUT);
    expect(await ended(so)).toMatchObject({ outcome: "connect", cause: { message: expect.stringContaining("cut") } });
    expect(server.accepted).toBe(0);
  });
});

describe("over TLS", () => {
  it("the host's name is asked for and checked, HTTP/1.1 is spoken, and a later connection takes up the session", async () => {
    const own = selfSigned();
    const seen: unknown[] = [];
    const server = createTls({ ...own, ALPNProtocols: ["h2", "http/1.1"] }, (socket: TLSSocket) => {
      socket.on("error", () => {});
      const { servername, alpnProtocol } = socket as TLSSocket & { servername: unknown };
      seen.push([servername, alpnProtocol, socket.isSessionReused()]);
      requests(socket, () => socket.end(OK.replace("content-length", "connection: close\r\ncontent-length")));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const before = getCACertificates("default");
    try {
      expect(await send(dialerOf(), `https://localhost:${port}`)).toMatchObject({
        outcome: "connect",
        cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
      });
      setDefaultCACertificates([...before, own.cert]);
      const dialer = dialerOf();
      for (let i = 0; i < 2; i++) expect((await send(dialer, `https://localhost:${port}`)).text).toBe("ok");
      expect(await send(dialer, `https://127.0.0.1:${port}`)).toMatchObject({ outcome: "end" });
      expect(await send(dialer, `https://127.0.0.2:${port}`)).toMatchObject({ outcome: "connect" });
      expect(seen.slice(-3)).toEqual([
        ["localhost", "http/1.1", false],
        ["localhost", "http/1.1", true],
        [false, "http/1.1", false],
      ]);
    } finally {
      setDefaultCACertificates(before);
      server.close();
    }
  });
});
