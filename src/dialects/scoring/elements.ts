const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * The values of a JSON list as they are spelt, Python's `NaN` and infinities too, without parsing them; `undefined`: it is no list.
 * Of each value only its brackets and quotes are looked at.
 */
export function elements(bytes: Buffer): readonly Buffer[] | undefined {
  const found: Buffer[] = [];
  let from = -1;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    } else if (isOpen(byte)) {
      if (depth++ === 0) {
        if (byte !== 0x5b || !isBlank(bytes, 0, at)) return undefined;
        from = at + 1;
      }
    } else if (byte === COMMA && depth === 1) {
      found.push(trimmed(bytes, from, at));
      from = at + 1;
    } else if (isClose(byte) && --depth === 0) {
      const last = trimmed(bytes, from, at);
      const empty = last.length === 0 && found.length === 0;
      if (!empty) found.push(last);
      const sound = byte === 0x5d && isBlank(bytes, at + 1, bytes.length) && found.every((one) => one.length > 0);
      return sound ? found : undefined;
    } else if (depth === 0 && !isSpace(byte)) return undefined;
  }
  return undefined;
}

const isOpen = (byte: number) => byte === 0x5b || byte === 0x7b;
const isClose = (byte: number) => byte === 0x5d || byte === 0x7d;
const isSpace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isSpace(bytes[at]!)) return false;
  return true;
}

function trimmed(bytes: Buffer, from: number, to: number): Buffer {
  let [start, end] = [from, to];
  while (start < end && isSpace(bytes[start]!)) start++;
  while (end > start && isSpace(bytes[end - 1]!)) end--;
  return bytes.subarray(start, end);
}
