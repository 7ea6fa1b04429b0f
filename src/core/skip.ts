/**
 * `skip(at, end, left)`: where the string, list or object ends that begins at `at` of the memory: the index after it; -1: it does
 * not end before `end`; -2: brackets are nested deeper than `left`. 16 bytes are looked at at a time, up to 15 of them past `end`.
 *
 * WebAssembly by hand, as there is no such search in JavaScript: a quote or a backslash stands in every 35 bytes of prose and in
 * every 10 of code, and each costs a call into native code, or every byte costs a nanosecond.
 * https://webassembly.github.io/spec/core/binary/
 */
const CODE = [
  "0061736d01000000", // WebAssembly 1
  "01080160037f7f7f017f", // type (i32, i32, i32) -> i32
  "0208010165016d020001", // its memory comes from outside, a page at least
  "03020100", // one function
  "07050101730000", // exported as s
  "0ac50201c20203037f017b017f", // its code: at 0, end 1, left 2; locals: depth 3, found 4, c 5, 16 bytes 6, p 7
  "0340", // loop $outside
  "200020014f0440417f0f0b", //   at >= end: return -1
  "2000fd00000022064122fd0ffd23", //   16 bytes: quotes
  "20064120fd0ffd50220641fb00fd0ffd23fd50", //   or opening brackets, which differ from braces in one bit
  "200641fd00fd0ffd23fd50fd642204", //   or closing ones
  "450440200041106a21000c010b", //   none: at += 16, again
  "20002004686a220020014f0440417f0f0b", //   at += their first; past the end: return -1
  "20002d00002105200041016a2100", //   c = bytes[at++]
  "20054122460440", //   a quote:
  "02400340", //     block $closed; loop $string
  "200020014f0440417f0f0b", //       at >= end: return -1
  "2000fd0000004122fd0ffd23fd642204", //       16 bytes: quotes
  "450440200041106a21000c010b", //       none: at += 16, again
  "0340", //       loop $quote
  "20002004686a22072105", //         p = c = where their first is
  "0340200541016b2d000041dc00460440200541016b21050c010b0b", //         back over the backslashes before it, to c
  "200720056b41017145", //         they are even in number:
  "0440200741016a21000c030b", //           it closes the string: at = p + 1, out of $closed
  "2004200441016b71220404400c010b0b", //         it is escaped: the next of the 16; end
  "200041106a21000c000b0b", //       none closes: at += 16, again; end; end
  "200020014b0440417f0f0b", //     beyond the end: return -1
  "200345044020000f0b", //     depth 0: return at
  "0c010b", //     again; end
  "200541207241fb00460440", //   an opening one:
  "200341016a220320024a0440417e0f0b", //     ++depth > left: return -2
  "0c010b", //     again; end
  "200341016b220345044020000f0b", //   a closing one: --depth == 0: return at
  "0c000b", //   again; end of loop
  "000b", // unreachable; end
].join("");

/**
 * `apart(at, end, gap)`: the first index from `at` on where a quote stands, and another `gap` bytes after it and before `end`; -1:
 * there is none. So a key is looked for in text that is full of quotes, where a search by its first byte stops at each.
 */
const APART = [
  "0061736d01000000", // WebAssembly 1
  "01080160037f7f7f017f", // type (i32, i32, i32) -> i32
  "0208010165016d020001", // its memory comes from outside, a page at least
  "03020100", // one function
  "07050101730000", // exported as s
  "0a5d015b01017f", // its code: at 0, end 1, gap 2; local: found 3
  "0340", // loop
  "200020026a20014f0440417f0f0b", //   at + gap >= end: return -1
  "2000fd0000004122fd0ffd23", //   16 bytes: quotes
  "200020026afd0000004122fd0ffd23", //   16 bytes from the gap on: quotes
  "fd4efd642203", //   both
  "450440200041106a21000c010b", //   none: at += 16, again
  "20002003686a220020026a20014f0440417f0f0b", //   at += their first; past the end: return -1
  "20000f", //   return at
  "0b000b", // end of loop; unreachable; end
].join("");

/** What is used of it; its types come with those of browsers only. */
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

const PAGE = 64 * 1024;
/** Longest text that is searched; the memory for it is taken when it is first used. */
export const MAX_SEARCHED = 16 * PAGE;

const memory = new WebAssembly.Memory({ initial: MAX_SEARCHED / PAGE + 1 });
const there = new Uint8Array(memory.buffer);
const codeOf = (hex: string) =>
  new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(hex, "hex")), { e: { m: memory } }).exports["s"];

/** Puts a text, at most `MAX_SEARCHED` bytes, where `skipLoaded` searches. */
export function load(bytes: Uint8Array): void {
  there.set(bytes);
}

/** As `skipValue`, for a value that begins with a quote or a bracket, in the `end` bytes that were loaded last. */
export const skipLoaded = codeOf(CODE) as (at: number, end: number, left: number) => number;

const apart = codeOf(APART) as (at: number, end: number, gap: number) => number;

/** Below this the usual search is as fast. */
const SHORT = 256;

/** As `bytes.includes(quoted)`, for a text between quotes. Loads `bytes` over what was loaded last. */
export function includesQuoted(bytes: Buffer, quoted: Buffer): boolean {
  const { length } = bytes;
  if (length < SHORT || length > MAX_SEARCHED) return bytes.includes(quoted);
  load(bytes);
  const gap = quoted.length - 1;
  for (let at = apart(0, length, gap); at >= 0; at = apart(at + 1, length, gap)) {
    if (bytes[at + 1] === quoted[1] && bytes.compare(quoted, 0, gap + 1, at, at + gap + 1) === 0) return true;
  }
  return false;
}
