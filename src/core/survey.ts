import { Letters } from "./letters.ts";
import { load, MAX_SEARCHED, skipLoaded } from "./skip.ts";

/** Where one top-level member of a JSON object stands, in bytes: `[start, end)` is its value. */
export interface Member {
  readonly key: string;
  start: number;
  end: number;
}

/** What one pass over the bytes found, without parsing. */
export interface Survey {
  /** Top-level members in order; `undefined` when unsure: an escaped or repeated key, not one object, bad structure. */
  readonly members: Member[] | undefined;
  /** Byte after the opening brace; where a member can be put in. */
  readonly inside: number;
  /** True: some value is nested deeper than asked for. */
  readonly tooDeep: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const UNSURE: Survey = { members: undefined, inside: 0, tooDeep: false };
const TOO_DEEP: Survey = { members: undefined, inside: 0, tooDeep: true };

/**
 * Finds the top-level members of one UTF-8 JSON object without parsing it: 4 us for 32 KB, where `JSON.parse` takes 40, and
 * 0.7 for 1 KB. Strings are jumped over; nothing inside a value is checked but its brackets and depth.
 *
 * @param bytes One JSON object; white space may surround it.
 * @param maxDepth Deepest nesting allowed; the object itself is 1.
 * @param text The bytes as Latin-1, a letter for each, where somebody has it: keys are cut out of it faster.
 * @returns Members, or `members: undefined` when the caller must parse: what we route on is what the upstream reads.
 * @see RFC 8259 section 4, which leaves repeated names to the receiver.
 */
export function survey(bytes: Buffer, maxDepth: number, text?: string): Survey {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== 0x7b) return deepOutside(bytes, maxDepth);
  const inside = at + 1;
  const members: Member[] = [];
  const fast = bytes.length <= MAX_SEARCHED;
  if (fast) load(bytes);
  at = skipSpace(bytes, inside);
  let sure = true;
  const letters = text ?? new Letters(bytes);
  if (bytes[at] === 0x7d) at++;
  else {
    for (;;) {
      if (bytes[at] !== QUOTE) return deepOutside(bytes, maxDepth);
      const keyEnd = skipString(bytes, at);
      if (keyEnd < 0) return UNSURE;
      const key = letters.slice(at + 1, keyEnd - 1);
      if (key.includes("\\") || hasMember(members, key)) sure = false;
      at = skipSpace(bytes, keyEnd);
      if (bytes[at] !== 0x3a) return deepOutside(bytes, maxDepth);
      const start = skipSpace(bytes, at + 1);
      const end =
        fast && isLong(bytes[start])
          ? skipLoaded(start, bytes.length, maxDepth - 1)
          : skipValue(bytes, start, maxDepth - 1);
      if (end === -2) return TOO_DEEP;
      if (end < 0) return UNSURE;
      members.push({ key, start, end });
      at = skipSpace(bytes, end);
      const next = bytes[at];
      at = skipSpace(bytes, at + 1);
      if (next === 0x7d) break;
      if (next !== 0x2c) return deepOutside(bytes, maxDepth);
    }
  }
  if (skipSpace(bytes, at) !== bytes.length) sure = false;
  return sure ? { members, inside, tooDeep: false } : { ...UNSURE };
}

/** Whether one of them has this key. */
export function hasMember(members: readonly Member[], key: string): boolean {
  for (const one of members) if (one.key === key) return true;
  return false;
}

/** Whether a value begins so that may be long. */
export function isLong(first: number | undefined): boolean {
  return first === QUOTE || first === 0x7b || first === 0x5b;
}

/** End of the value that begins at `at`; -1: it does not end; -2: nested deeper than `depthLeft`. */
export function skipValue(bytes: Buffer, at: number, depthLeft: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first !== 0x7b && first !== 0x5b) {
    let end = at;
    while (end < bytes.length && !endsScalar(bytes[end]!)) end++;
    return end === at ? -1 : end;
  }
  let depth = 0;
  let i = at;
  const length = bytes.length;
  while (i < length) {
    const c = bytes[i]!;
    if (c === QUOTE) {
      // Most strings of a long body are short keys and roles: those are passed over here, without a call.
      const near = Math.min(i + 32, length);
      let end = i + 1;
      while (end < near && bytes[end] !== QUOTE && bytes[end] !== BACKSLASH) end++;
      i = bytes[end] === QUOTE ? end + 1 : skipString(bytes, i);
      if (i < 0) return -1;
      continue;
    }
    // One bit is between a bracket and its brace.
    const either = c | 0x20;
    if (either === 0x7b) {
      if (++depth > depthLeft) return -2;
    } else if (either === 0x7d && --depth === 0) return i + 1;
    i++;
  }
  return -1;
}

/** Index after the closing quote of the string that opens at `at`; -1: it never closes. */
export function skipString(bytes: Buffer, at: number): number {
  let i = at + 1;
  const length = bytes.length;
  for (;;) {
    // Short strings in script, long ones by the native search: a native call costs as much as about 50 bytes here.
    const near = Math.min(i + 48, length);
    while (i < near) {
      const c = bytes[i]!;
      if (c === QUOTE) return i + 1;
      i += c === BACKSLASH ? 2 : 1;
    }
    if (i >= length) return -1;
    const quote = bytes.indexOf(QUOTE, i);
    if (quote < 0) return -1;
    let slashes = 0;
    while (quote - 1 - slashes >= i && bytes[quote - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return quote + 1;
    i = quote + 1;
  }
}

/** The first index from `at` on where no white space stands. */
export function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  for (;;) {
    const c = bytes[i];
    if (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09) i++;
    else return i;
  }
}

function endsScalar(c: number): boolean {
  return c === 0x2c || c === 0x7d || c === 0x5d || c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}

/** Unsure, but a bomb must still be told from a mistake before a parser sees it. */
function deepOutside(bytes: Buffer, maxDepth: number): Survey {
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c === QUOTE) {
      i = skipString(bytes, i) - 1;
      if (i < 0) break;
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > maxDepth) return TOO_DEEP;
    } else if (c === 0x7d || c === 0x5d) depth--;
  }
  return UNSURE;
}
