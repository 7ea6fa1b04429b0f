import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Receiver } from "../core/provider.ts";

/** A compressed answer on its way to a receiver. */
export interface Decoding {
  push(chunk: Buffer): void;
  end(framed: boolean): void;
  /** A little that is packed can be a lot: what was not unpacked yet waits. */
  pause(): void;
  resume(): void;
  stop(): void;
}

/**
 * Unpacks an answer that a provider compressed unasked. A body that does not unpack, or ends within a block, is broken off.
 *
 * @param encoding `content-encoding` as sent; `undefined` is returned for `identity`.
 */
export function decoding(encoding: string | readonly string[], receiver: Receiver): Decoding | undefined {
  const name = String(encoding).trim().toLowerCase();
  if (name === "identity" || name === "") return undefined;
  const make = { gzip: createGunzip, "x-gzip": createGunzip, deflate: createInflate, br: createBrotliDecompress }[name];
  let over = false;
  const fail = (cause: unknown) => {
    if (over) return;
    over = true;
    receiver.onBreak("broken", cause);
  };
  if (make === undefined) {
    const fault = () => fail(new Error(`unknown content-encoding ${name}`));
    const nothing = () => {};
    return { push: fault, end: fault, pause: nothing, resume: nothing, stop: () => (over = true) };
  }
  const stream = make();
  let framed = false;
  stream.on("data", (chunk: Buffer) => {
    if (!over) receiver.onData(chunk);
  });
  stream.on("end", () => {
    if (over) return;
    over = true;
    receiver.onEnd(framed);
  });
  stream.on("error", fail);
  return {
    push: (chunk) => void stream.write(chunk),
    end(whole) {
      framed = whole;
      stream.end();
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    stop() {
      over = true;
      stream.destroy();
    },
  };
}
