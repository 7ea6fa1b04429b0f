import { describe, expect, it } from "vitest";
import type { JsonObject } from "./json.ts";
import { StreamReader } from "./sse.ts";

class Told {
  events: JsonObject[] = [];
  whole = "";
  done = 0;
  bad: string[] = [];
  onEvent(json: JsonObject): void {
    this.events.push(json);
  }
  onWhole(events: Buffer): void {
    this.whole += events.toString();
  }
  onDone(): void {
    this.done++;
  }
  onBad(why: string): void {
    this.bad.push(why);
  }
  onFault(error: Error): void {
    this.bad.push(error.message);
  }
}

function read(bytes: Buffer, cuts: readonly number[], maxEventBytes?: number): Told & { cut: boolean } {
  const told = new Told();
  const reader = new StreamReader(told, maxEventBytes);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    reader.push(bytes.subarray(from, cut));
    from = cut;
  }
  return Object.assign(told, { cut: reader.finish() });
}

const events = [{ a: "é日🎉" }, { b: 'data: [DONE]\n\n"' }, { c: 1 }];
const frames = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const stream = Buffer.from(`: hello\n\n${frames}data: [DONE]\n\n`);

describe("StreamReader", () => {
  it("reads the same whatever the chunks, cut at every byte, and passes on what came", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const told = read(stream, [cut]);
      expect(told.events).toEqual(events);
      expect(told.whole).toBe(`: hello\n\n${frames}`);
      expect([told.done, told.bad, told.cut]).toEqual([1, [], false]);
    }
    const bytewise = read(stream, Array.from(stream.keys()));
    expect(bytewise.events).toEqual(events);
    expect(bytewise.whole).toBe(`: hello\n\n${frames}`);
  });

  it("never passes on half an event: a stream that stops at byte n shows whole events only", () => {
    for (let size = 0; size < stream.length; size++) {
      const told = read(stream.subarray(0, size), []);
      expect(`: hello\n\n${frames}`.startsWith(told.whole) || told.whole.endsWith("\n\n")).toBe(true);
      for (const frame of told.whole.split("\n\n").slice(0, -1)) {
        if (frame.startsWith("data: ")) JSON.parse(frame.slice(6));
      }
    }
  });

  it.each(["\r\n", "\r"])("reads lines that end in %j and passes them on with LF", (ending) => {
    const bytes = Buffer.from(stream.toString().replaceAll("\n", ending).replaceAll("\\r", "\\r"));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const told = read(bytes, [cut]);
      expect(told.events).toEqual(events);
      expect(told.done).toBe(1);
      expect(told.whole).toContain(frames);
    }
  });

  it("joins data lines, skips other fields and takes a last event without its blank line", () => {
    const told = read(
      Buffer.from('event: x\nid: 7\ndata: {"a":\ndata: 1}\n\ndata:{"b":2}\n\nretry: 5\n\ndata: {"c":3}\n'),
      [],
    );
    expect(told.events).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }]);
    expect(told.cut).toBe(false);
  });

  it("passes on what was whole before an error, and before an event that is no JSON", () => {
    const error = read(Buffer.from('data: {"a":1}\n\ndata: {"error":{"message":"no"}}\n\n'), []);
    expect(error.events).toEqual([{ a: 1 }, { error: { message: "no" } }]);
    expect(error.whole.startsWith('data: {"a":1}\n\n')).toBe(true);
    const broken = read(Buffer.from('data: {"a":1}\n\ndata: {"b":\n\ndata: {"c":1}\n\n'), []);
    expect([broken.events, broken.whole, broken.bad.length]).toEqual([[{ a: 1 }], 'data: {"a":1}\n\n', 1]);
  });

  it("says that an event was cut in half", () => {
    expect(read(Buffer.from('data: {"a":1}\n\ndata: {"b"'), []).cut).toBe(true);
    expect(read(Buffer.from('data: {"a":1}\n\nda'), []).cut).toBe(true);
    expect(read(Buffer.from('data: {"a":1}\n\n'), []).cut).toBe(false);
  });

  it("tells nothing after [DONE]", () => {
    const told = read(Buffer.from('data: [DONE]\n\ndata: {"a":1}\n\n'), []);
    expect([told.events, told.whole, told.done]).toEqual([[], "", 1]);
  });

  it.each(["\n", "\r\n"])("refuses an event over the limit, in pieces or whole, lines ending in %j", (ending) => {
    const bytes = Buffer.from(`data: {"a":1}${ending}${ending}data: {"a":"${"x".repeat(2000)}`);
    const told = read(bytes, [100, 600, 1100, 1600], 1000);
    expect(told.events).toEqual([{ a: 1 }]);
    expect(told.bad).toEqual(["one event is larger than 1000 bytes"]);
  });
});
