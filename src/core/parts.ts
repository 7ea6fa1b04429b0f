import type { Json } from "./json.ts";
import { ownText } from "./own-text.ts";
import type { Member } from "./survey.ts";

/** A member and the JSON text of its value; a string has a letter for each byte, as `bytesText` makes it. */
export type Part = readonly [key: string, value: Buffer | string];

const ASCII = /^[\0-\x7f]*$/;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** What `JSON.stringify` makes of a value, with a letter for each byte. */
export function bytesText(value: Json): string {
  const text = JSON.stringify(value);
  return ASCII.test(text) ? text : Buffer.from(text).toString("latin1");
}

/** Names in quotes; there are few, and what is long or one too many is made each time. */
const names = new Map<string, string>();
const MAX_NAMES = 256;
const MAX_NAME = 64;

function nameText(key: string): string {
  let name = names.get(key);
  if (name === undefined) {
    name = bytesText(key);
    if (names.size < MAX_NAMES && key.length <= MAX_NAME) names.set(ownText(key), name);
  }
  return name;
}

/** Members as one object, and where they stand in it. Strings alone are joined as strings: that is faster than many small copies. */
export function joinParts(parts: readonly Part[]): { readonly raw: Buffer; readonly members: Member[] } {
  const members: Member[] = [];
  let size = 1;
  let text = "";
  let isText = parts.length > 0;
  for (const [key, value] of parts) {
    const name = nameText(key);
    const start = size + name.length + 1;
    const end = start + value.length;
    members.push({ key, start, end });
    if (typeof value !== "string") isText = false;
    else if (isText) text += `${size === 1 ? "{" : ","}${name}:${value}`;
    size = end + 1;
  }
  const raw = isText ? Buffer.from(`${text}}`, "latin1") : copied(parts, Math.max(2, size));
  return { raw, members };
}

function copied(parts: readonly Part[], size: number): Buffer {
  const raw = Buffer.allocUnsafe(size);
  raw[0] = OPEN;
  let at = 0;
  for (const [key, value] of parts) {
    at += raw.write(`${at === 0 ? "{" : ","}${nameText(key)}:`, at, "latin1");
    at += typeof value === "string" ? raw.write(value, at, "latin1") : value.copy(raw, at);
  }
  raw[size - 1] = CLOSE;
  return raw;
}
