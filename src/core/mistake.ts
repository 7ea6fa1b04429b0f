/** What is wrong with a text that is no JSON. `value`, `name`, `colon`, `comma`: what should stand there. */
export type Flaw = "value" | "name" | "colon" | "comma" | "extra" | "unterminated" | "control" | "escape";

/** The first mistake of a text that is no JSON. */
export interface Mistake {
  readonly flaw: Flaw;
  /** UTF-16 index; the text's length: it ends too early. An unterminated text is told where it begins. */
  readonly at: number;
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/**
 * Finds what `JSON.parse` refused, which V8 tells now with a place and now without, and with the text around it, which may be
 * a prompt. `undefined`: the text is JSON. Linear in its length.
 */
export function mistakeIn(text: string): Mistake | undefined {
  const open: ("{" | "[")[] = [];
  let want: "value" | "name" | "colon" | "comma" | "extra" = "value";
  /** Whether the bracket that was opened last may close here. */
  let mayClose = false;
  for (let at = skipSpace(text, 0); ; at = skipSpace(text, at)) {
    const c = text[at];
    if (c === undefined) return want === "extra" ? undefined : { flaw: want, at };
    if (mayClose && c === (open.at(-1) === "{" ? "}" : "]")) {
      open.pop();
      at++;
      mayClose = open.length > 0;
      want = mayClose ? "comma" : "extra";
      continue;
    }
    if (want === "colon" || want === "comma") {
      if (c !== (want === "colon" ? ":" : ",")) return { flaw: want, at };
      at++;
      mayClose = false;
      want = want === "comma" && open.at(-1) === "{" ? "name" : "value";
      continue;
    }
    if (want === "extra") return { flaw: want, at };
    if (want === "value" && (c === "{" || c === "[")) {
      open.push(c);
      at++;
      mayClose = true;
      want = c === "{" ? "name" : "value";
      continue;
    }
    const end = c === '"' ? endOfString(text, at) : want === "value" ? endOf(SCALAR, text, at) : -1;
    if (typeof end === "object") return end;
    if (end < 0) return { flaw: want, at };
    at = end;
    mayClose = want === "value" && open.length > 0;
    want = want === "name" ? "colon" : mayClose ? "comma" : "extra";
  }
}

const WANTED = {
  value: "a value",
  name: "a name in double quotes, or a closing brace",
  colon: "a colon",
  comma: "a comma or a closing bracket",
} as const;

/** Why the bytes are no JSON and where, in a caller's words, without any of theirs: the text may be a prompt. */
export function mistakeWords(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  const mistake = mistakeIn(text);
  if (mistake === undefined) return "it cannot be read";
  const { flaw, at } = mistake;
  if (text.trim() === "") return "it is empty";
  const place = `byte ${Buffer.byteLength(text.slice(0, at))}`;
  switch (flaw) {
    case "extra":
      return `the JSON is over before ${place}`;
    case "unterminated":
      return `the text that begins at ${place} does not end`;
    case "control":
      return `the control character at ${place} must be escaped`;
    case "escape":
      return `at ${place} stands an escape that JSON does not have`;
    default:
      return at === text.length ? `it ends where ${WANTED[flaw]} should stand` : `want ${WANTED[flaw]} at ${place}`;
  }
}

/** Index of the first byte that is no UTF-8. */
export function firstBadByte(bytes: Buffer): number {
  const mended = Buffer.from(bytes.toString("utf8"));
  let at = 0;
  while (at < bytes.length && bytes[at] === mended[at]) at++;
  return at;
}

function endOfString(text: string, start: number): number | Mistake {
  for (let at = start + 1; at < text.length; at++) {
    const c = text[at]!;
    if (c === '"') return at + 1;
    if (c < " ") return { flaw: "control", at };
    if (c !== "\\") continue;
    const end = endOf(ESCAPE, text, at);
    if (end < 0) return at + 1 === text.length ? { flaw: "unterminated", at: start } : { flaw: "escape", at };
    at = end - 1;
  }
  return { flaw: "unterminated", at: start };
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  return at;
}
