import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { quicken } from "./quick.ts";

/** Both ends of a connection; the second is quick. */
async function pair() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const near = connect(port, "127.0.0.1");
  const [far] = await accepted;
  if (near.connecting) await once(near, "connect");
  quicken(near);
  return {
    far,
    near,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Numbers, each of four bytes. */
function counted(from: number, count: number): Buffer {
  const bytes = Buffer.alloc(4 * count);
  for (let i = 0; i < count; i++) bytes.writeUInt32BE(from + i, 4 * i);
  return bytes;
}

describe("a quick connection", () => {
  it("tells of what comes, and of its end", async () => {
    await using both = await pair();
    const heard: string[] = [];
    both.near.on("readable", () => {
      for (let chunk = both.near.read() as Buffer | null; chunk !== null; chunk = both.near.read() as Buffer | null)
        heard.push(String(chunk));
    });
    both.near.on("end", () => heard.push("end"));
    both.far.write("one");
    await expect.poll(() => heard).toEqual(["one"]);
    both.far.end("two");
    await expect.poll(() => heard).toEqual(["one", "two", "end"]);
  });

  it("keeps what came before somebody listened", async () => {
    await using both = await pair();
    both.far.end("early");
    await expect.poll(() => both.near.readableLength).toBe(5);
    const heard: string[] = [];
    both.near.on("readable", () => heard.push(String(both.near.read())));
    await expect.poll(() => heard[0]).toBe("early");
  });

  it("holds the sender back while nobody reads, and then gives every byte in its order", async () => {
    const COUNT = 4_000_000;
    await using both = await pair();
    const parts: Buffer[] = [];
    let held = false;
    let put = 0;
    const take = () => {
      for (;;) {
        const chunk = held ? null : (both.near.read() as Buffer | null);
        if (chunk === null) return;
        // Now and then a part is not wanted yet, and put back as a parser does that was told to wait.
        if (++put % 7 === 0 && chunk.length > 1) {
          parts.push(chunk.subarray(0, 1));
          both.near.unshift(chunk.subarray(1));
          held = true;
          setImmediate(() => {
            held = false;
            take();
          });
        } else parts.push(chunk);
      }
    };
    const ended = once(both.near, "end");
    held = true;
    both.near.on("readable", take);
    both.far.end(counted(0, COUNT));
    // A writer that is let on would be done with 16 MB at once.
    await expect.poll(() => both.near.readableLength).toBeGreaterThanOrEqual(both.near.readableHighWaterMark);
    expect(both.far.writableLength).toBeGreaterThan(0);
    held = false;
    take();
    await ended;
    expect(Buffer.concat(parts).equals(counted(0, COUNT))).toBe(true);
    expect(put).toBeGreaterThan(50);
  });
});
