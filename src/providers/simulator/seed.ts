import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/** What changes how an answer is sent, and not what it says. */
const NOT_SEEDED: ReadonlySet<string> = new Set(["stream", "stream_options"]);

/**
 * A hash of what a request says, 64 hex digits: the same for members in another order, and with or without a stream, so
 * that a request has one answer however it is sent. `seed` is a member as any other.
 */
export function requestHash(request: JsonObject): string {
  const said = Object.fromEntries(Object.entries(request).filter(([key]) => !NOT_SEEDED.has(key)));
  return createHash("sha256").update(JSON.stringify(said, inOrder)).digest("hex");
}

function inOrder(_key: string, value: Json): Json {
  return isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
}

/** The next number in [0, 1). */
export type Dice = () => number;

/**
 * A row of numbers that the seed alone decides; enough to look random in a test, and no more.
 * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c mulberry32
 */
export function dice(seed: string): Dice {
  let state = hash32(seed);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** FNV-1a over UTF-16 units, mixed so that the low bits are as good as the high ones: an unsigned 32-bit number. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
