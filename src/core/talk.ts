import type { Json } from "./json.ts";

const TEXT = String.raw`"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\x00-\x1f]*)*"`;
const ROLE = `"(?:system|developer|user|assistant)"`;
const S = String.raw`[ \t\r\n]*`;
/** One message and what follows it. Each letter can be read in one way, so that a search that fails does so in linear time. */
const MESSAGE = new RegExp(
  `${S}\\{${S}"role"${S}:${S}${ROLE}${S},${S}"content"${S}:${S}${TEXT}${S}\\}${S}([,\\]])`,
  "y",
);

/** A message that stands for any of them. */
export const PLAIN_MESSAGE: Json = { role: "user", content: "" };

/**
 * Whether a list of messages is plain: each has a role that every provider knows, then a text, and nothing else. It is JSON to the
 * last letter then, in half the time that it takes to parse. `false`: not, or not in that order.
 *
 * @param text UTF-8 that was read as Latin-1: a letter for each byte.
 * @param start Where the list stands in it; at least one message long.
 */
export function isPlainTalk(text: string, start: number, end: number): boolean {
  if (text.charCodeAt(start) !== 0x5b) return false;
  MESSAGE.lastIndex = start + 1;
  for (;;) {
    if (!MESSAGE.test(text)) return false;
    const last = MESSAGE.lastIndex - 1;
    if (text.charCodeAt(last) === 0x5d) return last + 1 === end;
  }
}
