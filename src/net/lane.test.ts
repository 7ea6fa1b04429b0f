import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { describe, expect, it } from "vitest";
import { selfSigned } from "../../test/support/certificate.ts";
import { answersOf, type Handle, type LanePort, lanePort, nodePort, turns } from "../../test/support/lanes.ts";
import { type RawSocket, rawSocket } from "../../test/support/raw.ts";
import type { BodyReader, BodySource, Inbound } from "../core/protocol.ts";

const MB = 1024 * 1024;
const LIMIT = 20 * MB;
const GET = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const post = (length: number, more = "") => `POST / HTTP/1.1\r\nhost: x\r\n${more}content-length: ${length}\r\n\r\n`;
const bodies = (raw: RawSocket) => answersOf(raw.text).answers.map(({ body }) => body);
const statuses = (raw: RawSocket) => answersOf(raw.text).answers.map(({ status }) => status);

/** Says of a body how it came; of a GET that it did. */
const echo: Handle = (inbound, flaw) => {
  if (flaw) inbound.send(flaw.http, [], "flaw");
  else if (inbound.method === "GET") inbound.send(200, [], "next");
  else inbound.collect(LIMIT, (error, bytes) => inbound.send(error?.http ?? 200, [], error?.message ?? bytes));
};

/** Keeps what it is given, but for a GET, which is answered. */
function keeping(): { handle: Handle; kept: Inbound[]; last: () => Promise<Inbound> } {
  const kept: Inbound[] = [];
  const handle: Handle = (inbound) =>
    void (inbound.method === "GET" ? inbound.send(200, [], "next") : kept.push(inbound));
  return {
    handle,
    kept,
    async last() {
      await expect.poll(() => kept.length, { interval: 2 }).toBeGreaterThan(0);
      return kept.pop()!;
    },
  };
}

/** The connection answers one more request. */
async function goesOn(raw: RawSocket): Promise<void> {
  const before = bodies(raw).length;
  raw.send(GET);
  await expect.poll(() => bodies(raw).slice(before), { interval: 2 }).toEqual(["next"]);
}

/** Nothing of any exchange is left. */
async function nothingOpen(port: LanePort, count: number): Promise<void> {
  await expect.poll(() => port.open.size, { interval: 2 }).toBe(0);
  await expect.poll(() => port.finished.length, { interval: 2 }).toBe(count);
}

describe("a body", () => {
  it.each([
    ["with its head", 1_000_000],
    ["in two", 6],
    ["byte by byte", 1],
  ])("that comes %s is whole, and so is the next", async (_, size) => {
    await using port = await lanePort(echo);
    await using raw = await rawSocket(port.port);
    for (const body of ["hello world", "and again"]) {
      raw.send(post(body.length) + body.slice(0, size));
      for (let at = size; at < body.length; at += size) {
        await turns(2);
        raw.send(body.slice(at, at + size));
      }
      await raw.until(body);
    }
    await goesOn(raw);
    expect(statuses(raw)).toEqual([200, 200, 200]);
    await nothingOpen(port, 3);
  });

  it("of many megabytes is whole", async () => {
    await using port = await lanePort((inbound) => {
      inbound.collect(LIMIT, (_, bytes) => inbound.send(200, [], `${bytes.length} ${bytes.indexOf("y")}`));
    });
    await using raw = await rawSocket(port.port);
    raw.send(post(10 * MB));
    raw.send(`${"x".repeat(10 * MB - 1)}y`);
    await raw.until(`${10 * MB} ${10 * MB - 1}`);
  });

  it.each([
    ["whole before", ["abcdefghi"], []],
    ["in three pieces before", ["abc", "def", "ghi"], []],
    ["in three pieces after", [], ["abc", "def", "ghi"]],
    ["in pieces before and after", ["abc", "d", "e"], ["f", "gh", "i"]],
  ])("that is asked for late is whole (%s)", async (_, before, after) => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    // The second does not begin where the first bytes are looked at.
    for (const round of [1, 2]) {
      raw.send(post(9));
      const inbound = await last();
      for (const piece of [...before, "", ...after]) {
        if (piece !== "") raw.send(piece);
        else inbound.collect(LIMIT, (error, bytes) => inbound.send(200, [], error?.message ?? bytes));
        await turns(3);
      }
      await expect.poll(() => bodies(raw), { interval: 2 }).toHaveLength(round);
    }
    expect(bodies(raw)).toEqual(["abcdefghi", "abcdefghi"]);
    await nothingOpen(port, 2);
  });

  it("that nobody asks for is held back, and comes when somebody does", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    raw.send(post(16 * MB));
    const inbound = await last();
    raw.send(Buffer.alloc(16 * MB, "x"));
    await turns(50);
    // What is neither with the system nor with the other side.
    expect(raw.socket.writableLength).toBeGreaterThan(MB);
    inbound.collect(LIMIT, (error, bytes) => inbound.send(200, [], error?.message ?? `${bytes.length}`));
    await raw.until(String(16 * MB));
    await goesOn(raw);
  });

  it("goes to a reader piece by piece, who may hold it back and let go within a piece", async () => {
    const told: string[] = [];
    let source: BodySource;
    await using port = await lanePort((inbound) => {
      const on: BodyReader = {
        onChunk(chunk) {
          told.push(String(chunk));
          source.pause();
          if (told.length % 2 === 0) source.resume();
          else setImmediate(() => source.resume());
        },
        onEnd: () => inbound.send(200, [], told.join("|")),
        onBreak: () => told.push("broken"),
      };
      source = inbound.read(on);
    });
    await using raw = await rawSocket(port.port);
    raw.send(post(6));
    for (const piece of "abcdef") {
      raw.send(piece);
      await turns(2);
    }
    await raw.until("a|b|c|d|e|f");
    await nothingOpen(port, 1);
  });

  it("that is held back to the end of its answer, and after it, holds nothing else back", async () => {
    let source: BodySource | undefined;
    await using port = await lanePort((inbound) => {
      if (inbound.method === "GET") inbound.send(200, [], "next");
      else
        source = inbound.read({
          onChunk() {
            source!.pause();
            setImmediate(() => inbound.send(200, [], "enough"));
          },
          onEnd() {},
          onBreak() {},
        });
    });
    await using raw = await rawSocket(port.port);
    for (const rest of ["", "more"]) {
      raw.send(post(3 + rest.length));
      await turns(3);
      raw.send("abc");
      await expect.poll(() => bodies(raw).at(-1), { interval: 2 }).toBe("enough");
      raw.send(rest);
      await goesOn(raw);
      source!.pause();
      await goesOn(raw);
      source!.resume();
    }
    await nothingOpen(port, 6);
  });

  it("is told no more of once it was said to be broken", async () => {
    const told: string[] = [];
    let source: BodySource | undefined;
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    raw.send(post(3));
    const inbound = await last();
    source = inbound.read({
      onChunk: (chunk) => {
        told.push(String(chunk));
        source!.pause();
      },
      onEnd: () => told.push("end"),
      onBreak: () => told.push("break"),
    });
    raw.send("a");
    await expect.poll(() => told, { interval: 2 }).toEqual(["a"]);
    raw.send("bc");
    inbound.send(200, [], "enough");
    await raw.until("enough");
    source.resume();
    await goesOn(raw);
    expect(told).toEqual(["a", "break"]);
  });

  it("that is taken by pieces and stops coming is given up in time", async () => {
    const told: string[] = [];
    await using port = await lanePort(
      (inbound) => void inbound.read({ onChunk() {}, onEnd() {}, onBreak: () => told.push("break") }),
      { requestTimeoutMs: 50 },
    );
    await using raw = await rawSocket(port.port);
    raw.send(`${post(3)}a`);
    await raw.until("within 1 s");
    expect(statuses(raw)).toEqual([408]);
    await nothingOpen(port, 1);
    expect(port.finished[0]!.error?.fault.reason).toBe("DEADLINE_PASSED");
    expect(told).toEqual(["break"]);
  });
});

describe("an answer before the body is whole", () => {
  const early: Handle = (inbound) => inbound.send(inbound.method === "GET" ? 200 : 401, [], "next");

  it("is delivered, what still comes is thrown away, and the connection goes on", async () => {
    await using port = await lanePort(early);
    await using raw = await rawSocket(port.port);
    for (const size of [1, 100_000, 4 * MB]) {
      raw.send(post(size + 1));
      await expect.poll(() => statuses(raw).at(-1), { interval: 2 }).toBe(401);
      raw.send(Buffer.alloc(size, "x"));
      raw.send("y");
      await goesOn(raw);
    }
    // The end of the body and the next request in one.
    raw.send(post(10));
    await expect.poll(() => statuses(raw).at(-1), { interval: 2 }).toBe(401);
    raw.send(`${"x".repeat(10)}${GET}`);
    await expect.poll(() => statuses(raw), { interval: 2 }).toEqual([401, 200, 401, 200, 401, 200, 401, 200]);
    await nothingOpen(port, 8);
  });

  it.each([
    ["in one piece", 9 * MB, 9 * MB],
    ["with its end and a request", 8 * MB + 10, 8 * MB],
  ])("is the last when more than 8 MiB come (%s)", async (_, length, first) => {
    await using port = await lanePort(early);
    await using raw = await rawSocket(port.port);
    raw.send(post(length));
    await raw.until("next");
    raw.send(Buffer.alloc(first, "x"));
    raw.send("x".repeat(length - first) + GET);
    await raw.closed;
    expect(statuses(raw)).toEqual([401]);
    await nothingOpen(port, 1);
  });

  it("ends the connection when it says so, and not before the caller has sent all", async () => {
    await using port = await lanePort((inbound) => inbound.send(401, ["connection", "close"], "no"));
    await using raw = await rawSocket(port.port);
    raw.send(post(100_001));
    await raw.until("no");
    raw.send(Buffer.alloc(100_000));
    await turns(5);
    expect(port.finished).toHaveLength(1);
    raw.send(`x${GET}`);
    await raw.closed;
    expect(statuses(raw)).toEqual([401]);
  });

  it("tells who waits for that body that it will not be whole", async () => {
    const told: unknown[] = [];
    await using port = await lanePort((inbound) => {
      inbound.collect(LIMIT, (error) => {
        told.push(error?.fault.reason);
        inbound.error = error;
      });
      inbound.send(503, [], "later");
    });
    await using raw = await rawSocket(port.port);
    raw.send(post(3));
    await raw.until("later");
    await nothingOpen(port, 1);
    expect(told).toEqual(["CALLER_GONE"]);
  });
});

describe("bytes after the body, during the call,", () => {
  it("that are a request are answered after it, however they come", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    for (const round of [1, 2]) {
      raw.send(post(1));
      const inbound = await last();
      raw.send(`x${GET.slice(0, 9)}`);
      await turns(2);
      raw.send(GET.slice(9) + GET);
      await turns(3);
      expect(bodies(raw)).toHaveLength(3 * (round - 1));
      inbound.collect(LIMIT, (_, bytes) => inbound.send(200, [], bytes));
      await expect.poll(() => bodies(raw), { interval: 2 }).toHaveLength(3 * round);
    }
    expect(bodies(raw)).toEqual(["x", "next", "next", "x", "next", "next"]);
  });

  it("that are more than are held wait with the caller, and all are answered", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle, { maxConcurrentStreams: 1_000_000 });
    await using raw = await rawSocket(port.port);
    const COUNT = 2_000;
    const long = GET.replace("host", `x-a: ${"a".repeat(8_000)}\r\nhost`);
    raw.send(GET);
    await raw.until("next");
    raw.send(post(0));
    const inbound = await last();
    raw.send(long.repeat(COUNT));
    await turns(30);
    expect(raw.socket.writableLength).toBeGreaterThan(MB);
    inbound.send(200, [], "first");
    await expect.poll(() => bodies(raw).length, { timeout: 10_000 }).toBe(COUNT + 2);
  });

  it("that are garbage end the connection with the answer, and what follows them is no request", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    for (const garbage of ["\0", "\x80", " ", "g"]) {
      await using raw = await rawSocket(port.port);
      raw.send(post(0));
      const inbound = await last();
      raw.send(Buffer.from(garbage, "latin1"));
      await turns(3);
      raw.send(GET);
      await turns(3);
      inbound.send(200, [], "mine");
      raw.send(GET);
      await raw.closed;
      expect(answersOf(raw.text).answers).toMatchObject([{ status: 200, body: "mine" }]);
      expect(raw.text).toContain("Connection: close\r\n");
    }
    await nothingOpen(port, 4);
  });
});

it("what is read with the end of the last request is no further one", async () => {
  await using port = await lanePort((inbound) => {
    if (inbound.method === "GET") inbound.send(200, [], "next");
    else inbound.collect(LIMIT, () => inbound.send(200, ["connection", "close"], "last"));
  });
  await using raw = await rawSocket(port.port);
  await goesOn(raw);
  // As much as is read at once; what follows it is read before the connection is closed.
  const READ = 64 * 1024;
  const head = post(READ - post(10_000).length);
  raw.send(head + "x".repeat(READ - head.length) + GET);
  await raw.closed;
  expect(bodies(raw)).toEqual(["next", "last"]);
  await nothingOpen(port, 2);
});

describe("a caller that vanishes", () => {
  const LEAVES: readonly (readonly [string, (raw: RawSocket) => unknown])[] = [
    ["by closing", (raw) => raw.socket.destroy()],
    ["by a reset", (raw) => raw.socket.resetAndDestroy()],
    ["by ending its side", (raw) => raw.socket.end()],
  ];
  const collects = (inbound: Inbound) =>
    inbound.collect(LIMIT, (error) => {
      inbound.error = error;
    });
  const STAGES: readonly (readonly [string, string, (inbound: Inbound) => unknown, number])[] = [
    ["before its body is whole", `${post(3)}a`, collects, 1],
    ["during the call", post(0), () => {}, 1],
    [
      "during a stream",
      post(0),
      (inbound) => {
        inbound.open(200, []);
        inbound.write("a");
      },
      1,
    ],
    ["before the first of a stream", post(0), (inbound) => inbound.open(200, []), 1],
    ["after the answer", post(0), (inbound) => inbound.send(200, [], "a"), 0],
    ["after an answer before its body", post(3), (inbound) => inbound.send(200, [], "a"), 0],
  ];
  const CASES = STAGES.flatMap(([stage, bytes, act, count]) =>
    LEAVES.map(([how, leave]) => [stage, how, bytes, act, leave, count] as const),
  );
  it.each(CASES)("%s %s is told of once, and nothing stays", async (_stage, _how, bytes, act, leave, count) => {
    let gone = 0;
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    // Not the first request of its connection.
    await goesOn(raw);
    raw.send(bytes);
    const inbound = await last();
    inbound.onGone = () => void gone++;
    act(inbound);
    await turns(3);
    leave(raw);
    await nothingOpen(port, 2);
    await raw.closed;
    for (const late of [() => inbound.send(200, [], "late"), () => inbound.write("late"), () => inbound.close()])
      late();
    await turns(3);
    expect([gone, port.finished.length]).toEqual([count, 2]);
    expect(inbound.error?.fault.reason).toBe(act === collects ? "CALLER_GONE" : undefined);
  });
});

it("a body that is asked for when its caller has gone is none", async () => {
  const { handle, last } = keeping();
  await using port = await lanePort(handle);
  for (const length of [0, 3]) {
    await using raw = await rawSocket(port.port);
    raw.send(post(length));
    const inbound = await last();
    raw.socket.destroy();
    await expect.poll(() => port.open.size, { interval: 2 }).toBe(0);
    const told: unknown[] = [];
    inbound.collect(LIMIT, (error, bytes) => told.push(error?.fault.reason, bytes.length));
    const source = inbound.read({ onChunk() {}, onEnd: () => told.push("end"), onBreak: () => told.push("break") });
    source.resume();
    await turns(3);
    expect(told).toEqual(["CALLER_GONE", 0, "break"]);
  }
});

it("no timer is left of bodies that came after their answer, or did not", async () => {
  await using port = await lanePort((inbound) => inbound.send(inbound.method === "GET" ? 200 : 401, [], "next"));
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  await using raw = await rawSocket(port.port);
  await goesOn(raw);
  const before = timers();
  for (let n = 0; n < 20; n++) {
    const awaited = raw.text.length;
    raw.send(post(1));
    while (!raw.text.slice(awaited).includes("401")) await turns(1);
    raw.send("x");
    await turns(3);
    const other = await rawSocket(port.port);
    other.send(post(1));
    await other.until("401");
    await turns(3);
    await other[Symbol.asyncDispose]();
  }
  await turns(5);
  expect(timers()).toBeLessThan(before + 10);
});

it("a connection that was handed on has nothing of the lane", async () => {
  let socket: NodeJS.EventEmitter | undefined;
  await using port = await lanePort((inbound) => {
    socket ??= (inbound as unknown as { lane: { socket: NodeJS.EventEmitter } }).lane.socket;
    inbound.send(200, [], "next");
  });
  await using raw = await rawSocket(port.port);
  await goesOn(raw);
  const names = () =>
    ["data", "drain", "close", "error", "timeout"].flatMap((event) => socket!.listeners(event).map(({ name }) => name));
  const own = names().filter((name) => /^(came|drained|gone|ignore)$/.test(name));
  expect(own).toEqual(["came", "drained", "gone", "ignore"]);
  raw.send(GET + GET);
  await expect.poll(() => bodies(raw).length, { interval: 2 }).toBe(3);
  for (const name of own) expect(names()).not.toContain(name);
});

it("a connection of a thousand calls has the listeners and timers of its first", async () => {
  const sockets: string[][] = [];
  await using port = await lanePort((inbound) => {
    const { socket } = (inbound as unknown as { lane: { socket: NodeJS.EventEmitter } }).lane;
    sockets.push(socket.eventNames().map((name) => `${String(name)} ${socket.listenerCount(name)}`));
    if (inbound.method === "GET") {
      inbound.open(200, []);
      inbound.write("ne");
      inbound.write("xt");
      inbound.close();
    } else inbound.collect(LIMIT, (_, bytes) => inbound.send(200, [], bytes));
  });
  await using raw = await rawSocket(port.port);
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  await goesOn(raw);
  const before = timers();
  for (let n = 0; n < 1_000; n++) {
    const awaited = raw.text.length;
    raw.send(n % 2 === 0 ? GET : `${post(3)}abc`);
    while (!/0\r\n\r\n$|abc$/.test(raw.text.slice(awaited))) await turns(1);
  }
  expect(sockets.at(-1)).toEqual(sockets[1]);
  expect(timers()).toBeLessThanOrEqual(before + 1);
  await nothingOpen(port, 1_001);
});

describe("an answer", () => {
  const SIZES = [1, 8_191, 8_192, 8_193, 15, 16, 65_536];
  const streams =
    (status: number, headers: readonly string[], ...chunks: readonly (string | Buffer)[]) =>
    (inbound: Inbound) => {
      inbound.open(status, headers);
      for (const chunk of chunks) inbound.write(chunk);
      inbound.close();
    };
  /** What a port sends for one request, up to the body; without what differs each time. */
  const answered = async (open: typeof lanePort, act: (inbound: Inbound) => void) => {
    await using port = await open((inbound) =>
      inbound.path === "/next" ? inbound.send(200, [], "next") : act(inbound),
    );
    await using raw = await rawSocket(port.port);
    const next = GET.replace("/", "/next");
    // Two at once would go to Node's server.
    raw.send(next);
    await raw.until("next");
    raw.send(GET);
    await turns(5);
    raw.send(next);
    const ended = raw.closed.then(() => true);
    await Promise.race([ended, expect.poll(() => raw.text, { interval: 2 }).toMatch(/next[\s\S]*next$/)]);
    return answersOf(raw.text);
  };
  it.each<[string, (inbound: Inbound) => void]>([
    ["a text", (inbound) => inbound.send(200, ["content-type", "a/b"], "hello")],
    ["bytes", (inbound) => inbound.send(200, [], Buffer.from([0, 1, 255, 13, 10]))],
    ["nothing", (inbound) => inbound.send(200, [], "")],
    ["a text outside ASCII", (inbound) => inbound.send(200, ["x-a", "\xe9"], "\u6771\xe9\ud800")],
    ["a long one", (inbound) => inbound.send(200, [], "x".repeat(100_000))],
    ["8 KiB", (inbound) => inbound.send(200, [], Buffer.alloc(8_192, "\xff"))],
    ["8 KiB and a byte", (inbound) => inbound.send(200, [], Buffer.alloc(8_193, "\xff"))],
    ["204", (inbound) => inbound.send(204, ["x-a", "b"], "")],
    ["204 with a body", (inbound) => inbound.send(204, [], "nobody")],
    ["an unusual status", (inbound) => inbound.send(599, [], "x")],
    ["the end of the connection", (inbound) => inbound.send(200, ["Connection", "close"], "x")],
    ["two of a header", (inbound) => inbound.send(200, ["x-a", "b", "X-A", "c"], "x")],
    [
      "the end of the connection for all",
      (inbound) => {
        inbound.always.push("connection", "close");
        inbound.send(404, [], "x");
      },
    ],
    ["a stream of 304", streams(304, ["etag", "a"], "nobody")],
    ["a stream of 204", streams(204, [])],
    ["an empty stream", streams(200, [])],
    ["a stream of nothing", streams(200, [], "", Buffer.alloc(0))],
    ["a stream that ends the connection", streams(200, ["connection", "close"], "x")],
    [
      "a stream of pieces around 8 KiB",
      streams(200, ["content-type", "text/event-stream"], ...SIZES.map((size) => Buffer.alloc(size, "\xe9")), "\u6771"),
    ],
    [
      "what comes after it",
      (inbound) => {
        inbound.send(200, [], "x");
        inbound.send(500, [], "y");
        inbound.open(500, []);
        inbound.write("y");
        inbound.close();
      },
    ],
    [
      "what comes after a stream",
      (inbound) => {
        inbound.open(200, []);
        inbound.write("x");
        inbound.send(500, [], "y");
        inbound.open(500, []);
        inbound.close();
        inbound.write("y");
        inbound.close();
      },
    ],
  ])("(%s) is what Node's own server makes of it, and the next follows it", async (_, act) => {
    const [mine, nodes] = await Promise.all([answered(lanePort, act), answered(nodePort, act)]);
    expect(mine).toEqual(nodes);
    expect(mine.rest).toBe("");
  });
});

describe("a header that cannot be sent", () => {
  it.each([
    ["x-a", "b\r\nset-cookie: c"],
    ["x-a", "b\nc"],
    ["x-a", "b\0"],
    ["x-a", "\u6771"],
    ["x a", "b"],
    ["x-a: b\r\nx", "c"],
    ["", "b"],
  ])("throws, nothing was sent, and another answer may follow (%j: %j)", async (name, value) => {
    const thrown: unknown[] = [];
    await using port = await lanePort((inbound) => {
      for (const act of [
        () => inbound.send(200, [name, value], "bad"),
        () => inbound.open(200, [name, value]),
        () => inbound.send(200, ["connection", "keep-alive", name, value], "bad"),
      ]) {
        try {
          act();
        } catch (error) {
          thrown.push(error);
        }
      }
      inbound.send(500, [], "next");
    });
    await using raw = await rawSocket(port.port);
    await goesOn(raw);
    await goesOn(raw);
    expect(statuses(raw)).toEqual([500, 500]);
    expect(thrown).toHaveLength(6);
    for (const error of thrown) expect(error).toBeInstanceOf(TypeError);
  });

  it("leaves no answer of which a part may go out", async () => {
    await using port = await lanePort((inbound) => {
      expect(() => inbound.open(200, ["x-a", "\n"])).toThrow(TypeError);
      inbound.write("data: [DONE]\n\n");
      inbound.close();
    });
    await using raw = await rawSocket(port.port);
    raw.send(GET);
    expect(await raw.closed).toBe("");
    await nothingOpen(port, 1);
  });
});

describe("a failure of the handler's when it has the body", () => {
  const broken = (..._done: readonly unknown[]) => {
    throw new Error("a defect");
  };
  it.each<[string, (inbound: Inbound) => void, readonly number[]]>([
    ["is answered", broken, [500]],
    ["after its answer breaks that off", (inbound) => broken(inbound.send(200, [], "a".repeat(5 * MB))), []],
    ["within a stream breaks it off", (inbound) => broken(inbound.open(200, []), inbound.write("a")), []],
  ])("%s, and others go on", async (_, act, told) => {
    await using port = await lanePort((inbound) => {
      if (inbound.method === "GET") inbound.send(200, [], "next");
      else inbound.collect(LIMIT, () => act(inbound));
    });
    await using other = await rawSocket(port.port);
    await goesOn(other);
    await using raw = await rawSocket(port.port);
    raw.send(`${post(3)}abc`);
    if (told.length > 0) await raw.until("HTTP");
    else await raw.closed;
    expect(statuses(raw)).toEqual(told);
    await goesOn(other);
    await nothingOpen(port, 3);
  });
});

describe("a stream", () => {
  it("waits for a caller that reads slowly, and loses nothing", async () => {
    const COUNT = 200;
    const piece = (n: number) => String.fromCharCode(97 + (n % 26)).repeat(50_000 + (n % 2) * -45_000);
    let waits = 0;
    await using port = await lanePort((inbound) => {
      let n = 0;
      const go = () => {
        while (n < COUNT) if (!inbound.write(piece(n++))) return void waits++;
        inbound.onDrain = undefined;
        inbound.close();
      };
      inbound.onDrain = go;
      inbound.open(200, []);
      go();
    });
    await using raw = await rawSocket(port.port);
    raw.socket.pause();
    raw.send(GET);
    await expect.poll(() => waits, { interval: 2 }).toBeGreaterThan(0);
    const before = waits;
    await turns(20);
    expect(waits).toBe(before);
    raw.socket.resume();
    await raw.until("0\r\n\r\n");
    expect(bodies(raw)).toEqual([Array.from({ length: COUNT }, (_, n) => piece(n)).join("")]);
  });

  it("of which nothing is taken is cut in time", async () => {
    let gone = 0;
    await using port = await lanePort(
      (inbound) => {
        inbound.onGone = () => void gone++;
        inbound.open(200, []);
        inbound.write(Buffer.alloc(16 * MB));
      },
      { stallTimeoutMs: 50 },
    );
    await using raw = await rawSocket(port.port);
    raw.socket.pause();
    raw.send(GET);
    await nothingOpen(port, 1);
    expect(gone).toBe(1);
  });

  it("that is reset has no end", async () => {
    await using port = await lanePort((inbound) => {
      inbound.open(200, []);
      inbound.write("part");
      setImmediate(() => inbound.reset());
    });
    await using raw = await rawSocket(port.port);
    raw.send(GET);
    expect(await raw.closed).toMatch(/\r\n\r\n4\r\npart\r\n$/);
    await nothingOpen(port, 1);
  });
});

it("an exchange that is over has no hold of the connection any more", async () => {
  const all: Inbound[] = [];
  await using port = await lanePort((inbound) => {
    all.push(inbound);
    inbound.send(200, [], "next");
  });
  await using raw = await rawSocket(port.port);
  await goesOn(raw);
  all[0]!.reset();
  all[0]!.write("x");
  all[0]!.close();
  await goesOn(raw);
  await nothingOpen(port, 2);
});

describe("the end of the port", () => {
  const ends = async (port: LanePort) => {
    const began = performance.now();
    await port.listening!.drain();
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(port.open.size).toBe(0);
  };
  /** Begun, and not over before the other is done. */
  const during = async (port: LanePort, act: () => Promise<unknown>) => {
    const drained = ends(port);
    await turns(3);
    await act();
    await drained;
  };

  it("ends a connection without a request", async () => {
    await using port = await lanePort(echo);
    await using raw = await rawSocket(port.port);
    await goesOn(raw);
    await Promise.all([ends(port), raw.closed]);
  });

  it("waits for a call, whose answer says that it is the last; what was asked after it is not done", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    raw.send(post(0));
    const inbound = await last();
    raw.send(GET);
    await turns(3);
    await during(port, async () => {
      inbound.send(200, [], "mine");
      await raw.closed;
    });
    expect(answersOf(raw.text).answers).toMatchObject([
      { status: 200, headers: ["connection: close", "content-length: 4"] },
    ]);
  });

  it("waits for a body and its answer", async () => {
    await using port = await lanePort(echo);
    await using raw = await rawSocket(port.port);
    raw.send(`${post(3)}a`);
    await expect.poll(() => port.open.size, { interval: 2 }).toBe(1);
    await during(port, async () => {
      raw.send("bc");
      await raw.closed;
    });
    expect(bodies(raw)).toEqual(["abc"]);
  });

  it("waits for a stream that began before", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle);
    await using raw = await rawSocket(port.port);
    raw.send(post(0));
    const inbound = await last();
    inbound.open(200, []);
    inbound.write("a");
    await raw.until("a\r\n");
    await during(port, async () => {
      inbound.write("b");
      inbound.close();
      await raw.closed;
    });
    expect(bodies(raw)).toEqual(["ab"]);
  });

  it("does not wait for the rest of a body whose answer is out", async () => {
    await using port = await lanePort((inbound) => inbound.send(401, [], "no"));
    await using raw = await rawSocket(port.port);
    raw.send(post(3));
    await raw.until("no");
    await Promise.all([ends(port), raw.closed]);
    expect(statuses(raw)).toEqual([401]);
  });

  it("ends what was handed to Node's server, too", async () => {
    await using port = await lanePort(echo);
    await using raw = await rawSocket(port.port);
    await goesOn(raw);
    raw.send(GET + GET);
    await expect.poll(() => bodies(raw).length, { interval: 2 }).toBe(3);
    await Promise.all([ends(port), raw.closed]);
  });
});

describe("a connection", () => {
  const CHUNKED = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  it.each<[string, string, number, string]>([
    ["chunks", CHUNKED, 200, "abc"],
    ["a head in other words", "GET / HTTP/1.1\r\nhost: x\r\nx_a: b\r\n\r\n", 200, "next"],
    ["two requests at once", `${post(1)}a${post(1)}b`, 200, "b"],
    ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, "next"],
    ["an end that is asked for", GET.replace("host", "connection: close\r\nhost"), 200, "next"],
    ["garbage", "\x00\r\n\r\n", 400, ""],
    ["two lengths", `${post(1, "content-length: 1\r\n")}a`, 400, ""],
  ])("goes from plain requests to %s and on", async (_, bytes, status, body) => {
    await using port = await lanePort(echo);
    await using raw = await rawSocket(port.port);
    await goesOn(raw);
    raw.send(`${post(2)}hi`);
    await raw.until("hi");
    const before = bodies(raw).length;
    raw.send(bytes);
    const ended = raw.closed.then(() => true);
    await Promise.race([ended, expect.poll(() => bodies(raw).length - before, { interval: 2 }).toBeGreaterThan(0)]);
    await expect.poll(() => [statuses(raw).at(-1), body === "" ? "" : bodies(raw).at(-1)]).toEqual([status, body]);
    if (/1\.0|close|\0|length: 1\r\nco/.test(bytes)) {
      await ended;
      return;
    }
    for (let n = 0; n < 3; n++) await goesOn(raw);
    raw.send(CHUNKED + GET);
    await expect.poll(() => bodies(raw).slice(-2), { interval: 2 }).toEqual(["abc", "next"]);
  });

  it("asks for a body that waits to be asked for, after plain ones", async () => {
    await using port = await lanePort(echo);
    await using raw = await rawSocket(port.port);
    await goesOn(raw);
    raw.send(post(3, "expect: 100-continue\r\n"));
    await raw.until("HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("abc");
    await raw.until("abc");
    expect(statuses(raw)).toEqual([200, 100, 200]);
  });

  it("gives a HEAD no body, after plain ones", async () => {
    await using port = await lanePort((inbound) => inbound.send(200, ["x-method", inbound.method], "next"));
    await using raw = await rawSocket(port.port);
    await goesOn(raw);
    raw.send(GET.replace("GET", "HEAD"));
    await expect.poll(() => bodies(raw), { interval: 2 }).toEqual(["next", ""]);
    await goesOn(raw);
  });

  it("is ended when there is no next request, and not while one is answered", async () => {
    const { handle, last } = keeping();
    await using port = await lanePort(handle, { idleTimeoutMs: 50, stallTimeoutMs: 50 });
    await using raw = await rawSocket(port.port);
    raw.send(post(0));
    const inbound = await last();
    await using idle = await rawSocket(port.port);
    idle.send(GET);
    expect(await idle.closed).toContain("next");
    inbound.send(200, [], "at last");
    expect(await raw.closed).toContain("at last");
  });
});

describe("under TLS", () => {
  const tls = { ...selfSigned(), clientCa: undefined };
  const shake = async (port: LanePort) => {
    const socket = connectTls({ port: port.port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    await once(socket, "secureConnect");
    return { socket, told: () => answersOf(text).answers.map(({ body }) => body) };
  };

  it("requests are answered one after the other, and the caller's leaving is told", async () => {
    let gone = 0;
    await using port = await lanePort(
      (inbound) => {
        if (inbound.path !== "/") inbound.onGone = () => void gone++;
        else inbound.collect(LIMIT, (_, bytes) => inbound.send(200, [], bytes.length > 0 ? bytes : inbound.base));
      },
      { tls },
    );
    const { socket, told } = await shake(port);
    socket.write(GET);
    await expect.poll(told, { interval: 2 }).toEqual(["https://x"]);
    socket.write(`${post(3)}a`);
    await turns(3);
    socket.write("bc");
    await expect.poll(() => told().at(-1), { interval: 2 }).toBe("abc");
    socket.write(post(200_000));
    socket.write("x".repeat(200_000));
    await expect.poll(() => told().at(-1)?.length, { interval: 2 }).toBe(200_000);
    socket.write(GET + GET);
    await expect.poll(() => told().length, { interval: 2 }).toBe(5);
    socket.write(GET.replace("/", "/hang"));
    await expect.poll(() => port.open.size, { interval: 2 }).toBe(1);
    socket.destroy();
    await nothingOpen(port, 6);
    expect(gone).toBe(1);
  });

  it("what comes after the last answer is not done", async () => {
    await using port = await lanePort((inbound) => inbound.send(200, ["connection", "close"], "only"), { tls });
    const { socket, told } = await shake(port);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    // Again as soon as there is an answer, while the connection is ended.
    socket.once("data", () => socket.write(GET));
    // Each is a record of its own, of which many are read at once.
    for (let n = 0; n < 20; n++) socket.write(GET);
    await closed;
    expect(told()).toEqual(["only"]);
    expect(port.finished).toHaveLength(1);
  });

  it("a caller that is silent is let go", async () => {
    await using port = await lanePort(echo, { tls, headTimeoutMs: 50 });
    const { socket } = await shake(port);
    await once(socket, "close");
  });
});
